// The operator's page: one sentence in, clips out. This module joins the others.

import * as account from "./core/session.js";
import * as alerts from "./alerts.js";
import * as approvals from "./cases/approvals.js";
import * as cases from "./cases/case_view.js";
import { byId, h, say } from "./core/dom.js";
import * as filters from "./search/filters.js";
import { apply, language, onLanguage, setLanguage, t } from "./core/i18n.js";
import * as live from "./cameras/live_view.js";
import * as masks from "./cameras/mask_editor.js";
import * as people from "./admin/accounts.js";
import * as player from "./player/player.js";
import * as purpose from "./cases/purpose.js";
import * as record from "./admin/audit_log.js";
import * as results from "./search/results.js";
import { ask, Problem } from "./core/http.js";
import * as status from "./status_bar.js";
import * as views from "./router.js";
import * as wish from "./search/refinements.js";

const PAGE = 12;
const SLOW_MS = 200; // a quick answer replaces the one before without a flicker
const MAX_CHARACTERS = 500;
const EXAMPLES = {
  zh: ["穿红色外套、背黑色书包的男子", "穿蓝色上衣的女子", "穿黄色衣服的孩子"],
  en: ["a man in a red coat with a black backpack", "a woman in a blue jacket", "a child in yellow"],
};

const text = byId("text");
let state = { kind: "start" }; // start | searching | answer | problem | empty
let running = null;
let asked = null; // the address whose search is shown
let begun;
const ready = new Promise((resolve) => (begun = resolve));

function render() {
  const shown = {
    start: () => results.clear(),
    searching: () => results.showSearching(),
    answer: () => results.showAnswer(state.answer, { open, widen, marking: wish }),
    problem: () => results.showProblem(state.problem, () => search(), tooWide() ? approvals.choices(() => search()) : null),
    empty: () => results.showEmpty(state.indexing),
  };
  byId("results").setAttribute("aria-busy", String(state.kind === "searching"));
  document.body.dataset.state = state.kind;
  shown[state.kind]();
}

function become(next) {
  state = next;
  render();
}

const tooWide = () => state.problem.body?.error === "TooWide";
const open = (index) => player.play(state.answer.clips, index, purpose.chosen() ? cases.confirm : null);

function widen() {
  filters.setFilters({});
  submit();
}

/** A new search: it gets its own address. What is typed before the page knows who is there waits. */
async function submit() {
  await ready;
  if (!checkText() || !filters.valid() || !purpose.valid()) return;
  const address = `?${toParams()}`;
  if (address !== location.search) history.pushState(null, "", address);
  asked = location.search;
  search();
}

async function search() {
  running?.abort();
  const mine = (running = new AbortController());
  const slow = setTimeout(() => become({ kind: "searching" }), state.kind === "answer" ? SLOW_MS : 0);
  try {
    const body = { text: text.value.trim(), limit: PAGE, ...filters.filters(), ...wish.request(), ...purpose.request() };
    const answer = await ask("/api/search", { body, signal: mine.signal });
    clearTimeout(slow);
    wish.show(answer);
    showAnswer(answer);
  } catch (error) {
    if (error.name === "AbortError") return;
    become({ kind: "problem", problem: error instanceof Problem ? error : new Problem(0, {}) });
  } finally {
    clearTimeout(slow);
  }
}

/** The next page of the same answer, as it was, whatever was indexed since. */
async function grow() {
  const { answer } = state;
  try {
    const next = await ask(`/api/search/${answer.id}?start=${answer.clips.length}&limit=${PAGE}`);
    if (state.answer !== answer) return;
    showAnswer({ ...answer, clips: [...answer.clips, ...next.clips], more: next.more });
  } catch (error) {
    if (error.status === 404) search(); // it is no longer kept
    else become({ kind: "problem", problem: error instanceof Problem ? error : new Problem(0, {}) });
  }
}

function showAnswer(answer) {
  if (answer.rows) become({ kind: "answer", answer });
  else become({ kind: "empty", indexing: false });
}

function checkText() {
  const sentence = text.value.trim();
  const long = sentence.length > MAX_CHARACTERS;
  const fault = long ? t("long_sentence", { n: sentence.length, most: MAX_CHARACTERS }) : t("empty_sentence");
  const bad = long || (!/[\p{L}\p{N}]/u.test(sentence) && !(wish.hasPictures() && !sentence));
  say(byId("text-fault"), bad ? fault : "");
  text.setAttribute("aria-invalid", String(bad));
  if (bad) text.focus();
  return !bad;
}

function toParams() {
  const { cameras, from, to } = filters.filters();
  const params = new URLSearchParams({ q: text.value.trim() });
  cameras.forEach((camera) => params.append("camera", camera));
  if (from !== undefined) params.set("from", from);
  if (to !== undefined) params.set("to", to);
  wish.toParams(params);
  return params;
}

/** Do what the address says: it may come from a bookmark, a colleague or the back button. */
function readAddress() {
  views.read();
  if (location.search === asked) return; // only the view has changed
  const typed = asked === null ? text.value : "";
  asked = location.search;
  const params = new URLSearchParams(location.search);
  const time = (name) => (/^\d{1,15}$/.test(params.get(name) ?? "") ? Number(params.get(name)) : undefined);
  text.value = params.get("q") ?? typed;
  filters.setFilters({ cameras: params.getAll("camera"), from: time("from"), to: time("to") });
  wish.readParams(params);
  if (!params.get("q") && !wish.hasPictures()) become({ kind: "start" });
  else if (checkText() && filters.valid() && purpose.valid()) search();
}

function showExamples() {
  const order = language() === "zh" ? ["zh", "en"] : ["en", "zh"];
  const sentences = [...EXAMPLES[order[0]], EXAMPLES[order[1]][0]];
  const buttons = sentences.map((sentence) => h("button", { type: "button", lang: /[a-z]/.test(sentence) ? "en" : "zh" }, sentence));
  byId("examples").replaceChildren(h("span", {}, t("example_prefix")), ...buttons);
}

function useExample(event) {
  if (event.target.tagName !== "BUTTON") return;
  text.value = event.target.textContent;
  submit();
}

async function onNews(news) {
  const known = await ask("/api/cameras").catch(() => null);
  if (known) filters.showCameras(known.cameras);
  if (!news.rows && (state.kind === "start" || state.kind === "empty")) {
    become({ kind: "empty", indexing: status.busy(news) });
  }
  if (news.rows && state.kind === "empty") become({ kind: "start" });
}

/** Enter searches, unless it only ends the writing of a Chinese word. */
function onTextKey(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  submit();
}

function onKey(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (typing || byId("view-find").hidden || byId("player").open || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "/") {
    event.preventDefault();
    text.focus();
  } else if (event.key === "z") {
    wish.undo();
  } else if (event.target.classList.contains("tile")) {
    markByKey(event);
    confirmByKey(event);
    moveAmongTiles(event);
  } else if (event.key === "j") {
    document.querySelector("button.tile")?.focus();
  }
}

function markByKey(event) {
  const sign = { y: "like", n: "unlike" }[event.key];
  if (sign) wish.mark(state.answer.clips[[...document.querySelectorAll("button.tile")].indexOf(event.target)], sign);
}

async function confirmByKey(event) {
  if (event.key !== "s") return;
  const clip = state.answer.clips[[...document.querySelectorAll("button.tile")].indexOf(event.target)];
  if (clip) say(byId("told"), await cases.confirm(clip));
}

function moveAmongTiles(event) {
  const by = { ArrowLeft: -1, k: -1, ArrowRight: 1, j: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!by) return;
  const tiles = [...document.querySelectorAll("button.tile")];
  const here = tiles.indexOf(event.target);
  const next = /Up|Down/.test(event.key) ? below(tiles, here, by) : tiles[here + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** The nearest tile in the next row up or down. */
function below(tiles, here, by) {
  const { left, top } = tiles[here].getBoundingClientRect();
  const side = tiles.filter((tile) => by * (tile.getBoundingClientRect().top - top) > 1);
  const distance = (tile) => {
    const place = tile.getBoundingClientRect();
    return Math.abs(place.top - top) * 1000 + Math.abs(place.left - left);
  };
  return side.sort((a, b) => distance(a) - distance(b))[0];
}

function relabel() {
  cases.relabel();
  record.relabel();
  people.relabel();
  purpose.relabel();
  showExamples();
  filters.showCameras(filters.known());
  status.showStatus();
  wish.relabel();
  live.relabel();
  alerts.relabel();
  say(byId("text-fault"), "");
  render();
  player.relabel();
}

/** The views that there are for these roles, the first one as the page begins. */
function viewsOf(me) {
  const watches = me.unknown || account.has("operator", "supervisor");
  const views = watches ? ["find", "cases", "alerts", "cameras"] : ["cameras"];
  if (account.who()?.roles.includes("auditor")) views.unshift("record");
  if (me.accounts && account.has("admin")) views.push("people");
  return watches ? [...views.filter((view) => view !== "record"), ...views.filter((view) => view === "record")] : views;
}

/** Show an answer that a case asked for, or what is in its way. */
function showFound(found) {
  history.pushState(null, "", "/");
  asked = location.search;
  text.value = found.query ?? "";
  views.read();
  if (found instanceof Problem) become({ kind: "problem", problem: found });
  else {
    wish.show(found);
    showAnswer(found);
  }
}

async function start() {
  apply();
  onLanguage(() => account.relabel());
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => setLanguage(button.dataset.language));
  }
  listen();
  const me = await account.start();
  if (!me) return;
  const mine = viewsOf(me);
  if (mine.includes("find")) await purpose.start(me);
  cases.start(showFound);
  begin(mine);
}

function begin(mine) {
  showExamples();
  filters.start(() => ["answer", "problem"].includes(state.kind) && submit());
  player.start();
  live.start();
  masks.start();
  views.start(mine, (view, thing) => {
    live.show(view === "cameras");
    alerts.show(view === "alerts");
    cases.show(view === "cases", thing);
    record.show(view === "record");
    people.show(view === "people");
  });
  if (mine.includes("alerts")) alerts.start();
  onLanguage(relabel);
  window.addEventListener("popstate", readAddress);
  readAddress();
  status.watch(onNews);
  begun();
}

/** From the first moment on: a person does not wait until the page knows who is there. */
function listen() {
  views.listen();
  wish.start(submit);
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  text.addEventListener("keydown", onTextKey);
  text.addEventListener("input", () => {
    say(byId("text-fault"), "");
    wish.forgetWords();
  });
  byId("examples").addEventListener("click", useExample);
  byId("more").addEventListener("click", grow);
  document.addEventListener("keydown", onKey);
}

start();
