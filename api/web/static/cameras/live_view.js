// The cameras as they are now: alarms, a card for each, troubled ones first. Asks only while somebody looks.

import { Card, isWell } from "./camera_card.js";
import { byId, change, h, say } from "../core/dom.js";
import { legend, midnight } from "./day_bar.js";
import { clockTime, length, number, t } from "../core/i18n.js";
import { ask } from "../core/http.js";

const AGAIN_MS = 3000;
const HOURS_MS = 60_000; // a day's bar is as old as that at most
const AT_ONCE = 30; // cameras whose day is asked for at once: their names must fit into an address
const MANY = 8; // from so many cameras on there is a field to find one

const cards = new Map();
const seen = new Set(); // cards on the screen; others need no picture and no day
const days = new Map(); // camera -> when its day was asked for
let last = null;
let lastAt = 0;
let shown = false;
let timer = 0;
let gone = false;

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) seen.add(target.dataset.camera);
    else seen.delete(target.dataset.camera);
  }
  fill();
}, { rootMargin: "200px" });

export function start() {
  byId("live-filter").addEventListener("input", arrange);
  document.addEventListener("visibilitychange", () => shown && !document.hidden && watch());
}

/** Begin or end to look. */
export function show(on) {
  shown = on;
  clearTimeout(timer);
  if (on) watch();
  else byId("trouble").hidden = true; // it would soon be old
}

export function relabel() {
  for (const card of cards.values()) card.relabel();
  if (last) draw();
}

async function watch() {
  clearTimeout(timer);
  if (!shown || document.hidden) return;
  const answer = await ask("/api/live").catch(() => null);
  gone = !answer;
  if (answer) [last, lastAt] = [answer, Date.now()];
  if (last) draw();
  else say(byId("live-summary"), t("unreachable"));
  clearTimeout(timer);
  if (shown) timer = setTimeout(watch, AGAIN_MS);
}

function draw() {
  const cameras = byCamera(last.streams);
  byId("view-cameras").classList.toggle("gone", gone);
  byId("live-empty").hidden = cameras.size > 0;
  byId("live-key").hidden = !cameras.size;
  byId("live-filter").hidden = cameras.size < MANY;
  byId("live-key").replaceChildren(h("span", {}, t("today")), ...legend());
  summary();
  alarms();
  for (const id of cards.keys()) if (!cameras.has(id)) drop(id);
  for (const [id, streams] of cameras) cardOf(id).show(streams);
  arrange();
  fill();
}

const byCamera = (streams) => Map.groupBy?.(streams, (stream) => stream.camera) ?? grouped(streams);

function grouped(streams) {
  const found = new Map();
  for (const stream of streams) found.set(stream.camera, [...(found.get(stream.camera) ?? []), stream]);
  return found;
}

function cardOf(id) {
  if (!cards.has(id)) {
    const card = new Card(id);
    cards.set(id, card);
    watcher.observe(card.node);
  }
  return cards.get(id);
}

function drop(id) {
  watcher.unobserve(cards.get(id).node);
  cards.get(id).node.remove();
  cards.delete(id);
  seen.delete(id);
  days.delete(id);
}

function summary() {
  const { streams, backlog, disk_free_gib: free } = last;
  const up = streams.filter((stream) => stream.state === "recording").length;
  const words = [t("live_summary", { up: number(up), all: number(streams.length) })];
  if (backlog.seconds) words.push(t("live_waits", { time: length(backlog.seconds) }));
  words.push(t("live_free", { n: number(Math.round(free)) }));
  const text = gone ? t("live_old", { time: clockTime(lastAt) }) : words.join(" · ");
  byId("live-summary").hidden = !streams.length;
  change(byId("live-summary"), text);
  const troubled = [...byCamera(streams).values()].filter((some) => !some.every(isWell)).length;
  change(byId("trouble"), number(troubled));
  byId("trouble").hidden = !troubled;
}

/** The list is changed only when its words are, so that it is read out once. */
function alarms() {
  const texts = last.alarms.map(alarmText);
  const list = byId("alarms");
  if ([...list.children].map((item) => item.textContent).join("\n") === texts.join("\n").replaceAll("`", "")) return;
  list.replaceChildren(...texts.map((text) => h("li", {}, ...text.split("`").map((part, n) => (n % 2 ? h("code", {}, part) : part)))));
}

function alarmText({ kind, text }) {
  const cameras = byCamera(last.streams);
  const silent = [...cameras.values()].filter((some) => some.some((stream) => stream.state !== "recording")).length;
  const full = last.streams.some((stream) => stream.state === "disk full");
  const free = number(Math.round(last.disk_free_gib * 10) / 10);
  const known = {
    recorder: () => t("alarm_recorder"),
    disk: () => t(full ? "alarm_full" : "alarm_nearly", { n: free }),
    cameras: () => t("alarm_cameras", { n: number(silent), all: number(cameras.size) }),
    lag: () => t("alarm_lag"),
  };
  return known[kind]?.() ?? text;
}

/** Troubled cards first; nothing moves under somebody's pointer or keys. */
function arrange() {
  const list = byId("live");
  const wanted = byId("live-filter").value.trim().toLowerCase();
  const order = [...cards.values()].sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
  for (const card of order) card.node.hidden = !card.fits(wanted);
  const none = order.length > 0 && order.every((card) => card.node.hidden);
  byId("live-none").hidden = !none;
  change(byId("live-none"), none ? t("live_none") : "");
  const busy = list.matches(":hover") || list.contains(document.activeElement);
  const missing = order.filter((card) => !card.node.isConnected).map((card) => card.node);
  if (busy) list.append(...missing);
  else if (order.some((card, n) => list.children[n] !== card.node)) list.append(...order.map((card) => card.node));
}

/** Pictures and days of the cards on the screen. */
function fill() {
  if (!shown) return;
  for (const id of seen) cards.get(id)?.showPicture();
  const now = Date.now();
  const old = [...seen].filter((id) => cards.has(id) && now - (days.get(id) ?? 0) > HOURS_MS);
  for (let n = 0; n < old.length; n += AT_ONCE) askDays(old.slice(n, n + AT_ONCE), now);
}

async function askDays(ids, now) {
  const from = midnight();
  if (now <= from) return;
  for (const id of ids) days.set(id, now);
  const query = new URLSearchParams([["from", from], ["to", now], ...ids.map((id) => ["camera", id])]);
  const answer = await ask(`/api/coverage?${query}`).catch(() => null);
  for (const id of ids) {
    if (answer) cards.get(id)?.day.show(answer.accounts.filter((line) => line.camera === id), from);
    else days.delete(id); // it is asked for again with the next round
  }
}
