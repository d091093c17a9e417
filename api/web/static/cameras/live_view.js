// The view of live cameras: alarms, and a card for each camera, troubled ones first. Asks only while it is visible.

import { byId, change, h, marked, say } from "../core/dom.js";
import { ask } from "../core/http.js";
import { clockTime, length, number, t } from "../core/i18n.js";
import { CameraCard, isWell } from "./camera_card.js";
import { legend, midnight } from "./day_bar.js";

const AGAIN_MS = 3000;
const HOURS_MS = 60_000; // a day's bar is at most this old
const AT_ONCE = 30; // cameras whose day is asked for at once: their names must fit into an address
const MANY = 8; // with this many cameras there is a field to find one

/** @type {Map<string, CameraCard>} */
const cards = new Map();
/** @type {Set<string>} */
const onScreen = new Set(); // other cards need no frame and no day
/** @type {Map<string, number>} */
const askedDays = new Map(); // camera -> when its day was asked for
let last = null; // the newest answer
let lastAt = 0;
let visible = false;
let timer = 0;
let gone = false; // whether the server does not answer

const watcher = new IntersectionObserver(onIntersection, { rootMargin: "200px" });

/** @param {IntersectionObserverEntry[]} entries */
function onIntersection(entries) {
  for (const { target, isIntersecting } of entries) {
    const camera = /** @type {HTMLElement} */ (target).dataset.camera ?? "";
    if (isIntersecting) onScreen.add(camera);
    else onScreen.delete(camera);
  }
  fill();
}

export function start() {
  byId("live-filter").addEventListener("input", arrange);
  document.addEventListener("visibilitychange", () => visible && !document.hidden && watch());
}

/** Begin or end to ask. @param {boolean} on */
export function show(on) {
  visible = on;
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
  if (!visible || document.hidden) return;
  const answer = await ask("/api/live").catch(() => null);
  gone = !answer;
  if (answer) [last, lastAt] = [answer, Date.now()];
  if (last) draw();
  else say(byId("live-summary"), t("unreachable"));
  clearTimeout(timer);
  if (visible) timer = setTimeout(watch, AGAIN_MS);
}

function draw() {
  const cameras = byCamera();
  byId("view-cameras").classList.toggle("gone", gone);
  byId("live-empty").hidden = cameras.size > 0;
  byId("live-key").hidden = !cameras.size;
  byId("live-filter").hidden = cameras.size < MANY;
  byId("live-key").replaceChildren(h("span", {}, t("today")), ...legend());
  drawSummary(cameras);
  drawAlarms(cameras);
  for (const id of cards.keys()) if (!cameras.has(id)) drop(id);
  for (const [id, streams] of cameras) cardOf(id).show(streams);
  arrange();
  fill();
}

/** @returns {Map<string, any[]>} the streams of each camera */
function byCamera() {
  const cameras = new Map();
  for (const stream of last.streams) cameras.set(stream.camera, [...(cameras.get(stream.camera) ?? []), stream]);
  return cameras;
}

function cardOf(id) {
  const known = cards.get(id);
  if (known) return known;
  const card = new CameraCard(id);
  cards.set(id, card);
  watcher.observe(card.node);
  return card;
}

function drop(id) {
  const { node } = cardOf(id);
  watcher.unobserve(node);
  node.remove();
  cards.delete(id);
  onScreen.delete(id);
  askedDays.delete(id);
}

function drawSummary(cameras) {
  byId("live-summary").hidden = !last.streams.length;
  change(byId("live-summary"), gone ? t("live_old", { time: clockTime(lastAt) }) : summary());
  const troubled = [...cameras.values()].filter((streams) => !streams.every(isWell)).length;
  change(byId("trouble"), number(troubled));
  byId("trouble").hidden = !troubled;
}

function summary() {
  const { streams, backlog, disk_free_gib: free } = last;
  const up = streams.filter((stream) => stream.state === "recording").length;
  const words = [
    t("live_summary", { up: number(up), all: number(streams.length) }),
    backlog.seconds ? t("live_waits", { time: length(backlog.seconds) }) : "",
    t("live_free", { n: number(Math.round(free)) }),
  ];
  return words.filter(Boolean).join(" · ");
}

/** Draw the alarms; the list changes only with its words, so that it is read out once. */
function drawAlarms(cameras) {
  const texts = last.alarms.map((alarm) => alarmText(alarm, cameras));
  const list = byId("alarms");
  const old = [...list.children].map((item) => item.textContent).join("\n");
  if (old !== texts.join("\n").replaceAll("`", ""))
    list.replaceChildren(...texts.map((text) => h("li", {}, ...marked(text))));
}

function alarmText({ kind, message }, cameras) {
  const silent = [...cameras.values()].filter((streams) => streams.some((stream) => stream.state !== "recording"));
  const full = last.streams.some((stream) => stream.state === "disk full");
  const free = number(Math.round(last.disk_free_gib * 10) / 10);
  const words = {
    recorder: () => t("alarm_recorder"),
    disk: () => t(full ? "alarm_full" : "alarm_nearly", { n: free }),
    cameras: () => t("alarm_cameras", { n: number(silent.length), all: number(cameras.size) }),
    lag: () => t("alarm_lag"),
  };
  return words[kind]?.() ?? message;
}

/** Put troubled cards first; nothing moves under a pointer or the focus. */
function arrange() {
  const list = byId("live");
  const part = byId("live-filter").value.trim().toLowerCase();
  const order = [...cards.values()].sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
  for (const card of order) card.node.hidden = !card.fits(part);
  const none = order.length > 0 && order.every((card) => card.node.hidden);
  byId("live-none").hidden = !none;
  change(byId("live-none"), none ? t("live_none") : "");
  const nodes = order.map((card) => card.node);
  const inUse = list.matches(":hover") || list.contains(document.activeElement);
  if (inUse) list.append(...nodes.filter((node) => !node.isConnected));
  else if (nodes.some((node, n) => list.children[n] !== node)) list.append(...nodes);
}

/** Load frames and days of the cards on the screen. */
function fill() {
  if (!visible) return;
  for (const id of onScreen) cards.get(id)?.showPicture();
  const now = Date.now();
  const old = [...onScreen].filter((id) => cards.has(id) && now - (askedDays.get(id) ?? 0) > HOURS_MS);
  for (let n = 0; n < old.length; n += AT_ONCE) loadDays(old.slice(n, n + AT_ONCE), now);
}

async function loadDays(ids, now) {
  const from = midnight();
  if (now <= from) return;
  for (const id of ids) askedDays.set(id, now);
  const params = new URLSearchParams({ start: String(from), end: String(now) });
  for (const id of ids) params.append("cameras", id);
  const answer = await ask(`/api/coverage?${params}`).catch(() => null);
  for (const id of ids) {
    const lines = answer?.coverage_hours.filter((line) => line.camera === id);
    if (lines) cards.get(id)?.day.show(lines, from);
    else askedDays.delete(id); // it is asked for again with the next round
  }
}
