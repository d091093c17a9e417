// The search view: a sentence in, clips out. The address holds the search, so that it can be sent and opened again.

import * as approvals from "../cases/approvals.js";
import * as purpose from "../cases/purpose.js";
import { confirm } from "../cases/sightings.js";
import { button, byId, h, say } from "../core/dom.js";
import { ask, Problem } from "../core/http.js";
import { locale, LOCALES, t } from "../core/i18n.js";
import { tiles } from "../core/tile.js";
import * as player from "../player/player.js";
import * as router from "../router.js";
import { isBusy } from "../status_bar.js";
import * as filters from "./filters.js";
import * as refinements from "./refinements.js";
import * as results from "./results.js";

/**
 * @typedef {{kind: "start"} | {kind: "searching"} | {kind: "answer", answer: any} | {kind: "problem", problem: Problem}
 *   | {kind: "empty", indexing: boolean}} State
 */

const PAGE = 12;
const SLOW_MS = 200; // a quick answer replaces the one before without a flicker
const MAX_CHARACTERS = 500;

const text = byId("text");
/** @type {State} */
let state = { kind: "start" };
/** @type {AbortController | null} */
let running = null;
/** @type {string | null} */
let shownAddress = null; // the address whose search is shown
/** @type {(value?: any) => void} */
let setReady = () => {};
const ready = new Promise((resolve) => (setReady = resolve));

function draw() {
  byId("results").setAttribute("aria-busy", String(state.kind === "searching"));
  document.body.dataset.state = state.kind;
  if (state.kind === "start") results.clear();
  else if (state.kind === "searching") results.showSearching();
  else if (state.kind === "answer") results.showAnswer(state.answer, { open, widen });
  else if (state.kind === "empty") results.showEmpty(state.indexing);
  else results.showProblem(state.problem, search, isTooWide(state.problem) ? approvals.choices(search) : null);
}

/** @param {State} next */
function become(next) {
  state = next;
  draw();
}

const isTooWide = (problem) => problem.body.error === "TooWide";
const clips = () => (state.kind === "answer" ? state.answer.clips : []);
const open = (index) => player.play(clips(), index, purpose.chosen() ? confirm : null);

function widen() {
  filters.setFilters({});
  submit();
}

/** Search, with an address of its own. A search that is sent before the session is known waits for it. */
async function submit() {
  await ready;
  if (!checkText() || !filters.valid() || !purpose.valid()) return;
  const address = `?${toParams()}`;
  if (address !== location.search) history.pushState(null, "", address);
  shownAddress = location.search;
  search();
}

async function search() {
  running?.abort();
  const own = (running = new AbortController());
  const slow = setTimeout(() => become({ kind: "searching" }), state.kind === "answer" ? SLOW_MS : 0);
  try {
    const answer = await ask("/api/search", { body: request(), signal: own.signal });
    clearTimeout(slow);
    showAnswer(answer);
  } catch (error) {
    if (/** @type {Error} */ (error).name !== "AbortError") showProblem(error);
  } finally {
    clearTimeout(slow);
  }
}

function request() {
  const { cameras, from, to } = filters.filters();
  const sentence = text.value.trim();
  return {
    query: sentence,
    limit: PAGE,
    cameras,
    start: from,
    end: to,
    ...refinements.request(),
    ...purpose.request(),
  };
}

/** Load the next page of the same answer, as it was, whatever was indexed since. */
async function loadMore() {
  if (state.kind !== "answer") return;
  const { answer } = state;
  try {
    const next = await ask(`/api/search/${answer.id}?offset=${answer.clips.length}&limit=${PAGE}`);
    if (state.answer !== answer) return;
    become({ kind: "answer", answer: { ...answer, clips: [...answer.clips, ...next.clips], more: next.more } });
  } catch (error) {
    if (error instanceof Problem && error.status === 404)
      search(); // the answer is no longer kept
    else showProblem(error);
  }
}

function showAnswer(answer) {
  refinements.show(answer);
  become(answer.rows ? { kind: "answer", answer } : { kind: "empty", indexing: false });
}

function showProblem(error) {
  if (!(error instanceof Problem)) throw error;
  become({ kind: "problem", problem: error });
}

/** Say whether the sentence can be searched for, and show what is wrong. */
function checkText() {
  const sentence = text.value.trim();
  const long = sentence.length > MAX_CHARACTERS;
  const empty = !/[\p{L}\p{N}]/u.test(sentence) && !(refinements.hasPictures() && !sentence);
  const fault = long
    ? t("long_sentence", { n: sentence.length, most: MAX_CHARACTERS })
    : empty
      ? t("empty_sentence")
      : "";
  say(byId("text-fault"), fault);
  text.setAttribute("aria-invalid", String(Boolean(fault)));
  if (fault) text.focus();
  return !fault;
}

function toParams() {
  const { cameras, from, to } = filters.filters();
  const params = new URLSearchParams({ q: text.value.trim() });
  cameras.forEach((camera) => params.append("camera", camera));
  if (from !== undefined) params.set("from", String(from));
  if (to !== undefined) params.set("to", String(to));
  refinements.toParams(params);
  return params;
}

/** Do what the address says: it may come from a bookmark, a colleague or the back button. */
export function readAddress() {
  router.read();
  if (location.search === shownAddress) return; // only the view has changed
  const typed = shownAddress === null ? text.value : "";
  shownAddress = location.search;
  const params = new URLSearchParams(location.search);
  text.value = params.get("q") ?? typed;
  filters.setFilters({ cameras: params.getAll("camera"), from: timeOf(params, "from"), to: timeOf(params, "to") });
  refinements.readParams(params);
  if (!params.get("q") && !refinements.hasPictures()) become({ kind: "start" });
  else if (checkText() && filters.valid() && purpose.valid()) search();
}

function timeOf(params, name) {
  const value = params.get(name) ?? "";
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** Draw the examples of the page's language, and the first one of each other language. */
function drawExamples() {
  const own = locale();
  const others = Object.values(LOCALES).filter((other) => other !== own);
  const examples = [
    ...own.examples.map((sentence) => [sentence, own.lang]),
    ...others.map((other) => [other.examples[0], other.lang]),
  ];
  const buttons = examples.map(([sentence, lang]) => button({ lang, onclick: () => use(sentence) }, sentence));
  byId("examples").replaceChildren(h("span", {}, t("example_prefix")), ...buttons);
}

function use(sentence) {
  text.value = sentence;
  submit();
}

/** Take note of new cameras, and of an index that is empty or no longer empty. */
export async function onNews(status) {
  const answer = await ask("/api/cameras").catch(() => null);
  if (answer) filters.showCameras(answer.cameras);
  const empty = state.kind === "empty";
  if (!status.rows && (empty || state.kind === "start")) become({ kind: "empty", indexing: isBusy(status) });
  if (status.rows && empty) become({ kind: "start" });
}

/** Search with Enter, unless it only ends the typing of a Chinese word. */
function onTextKey(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  submit();
}

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || byId("view-find").hidden || byId("player").open) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const at = tiles().indexOf(event.target);
  if (event.key === "/") {
    event.preventDefault();
    text.focus();
  } else if (event.key === "z") refinements.undo();
  else if (at >= 0) onTileKey(event, at);
  else if (event.key === "j") tiles()[0]?.focus();
}

function onTileKey(event, at) {
  const clip = clips()[at];
  if (event.key === "y" && clip) refinements.mark(clip, "like");
  else if (event.key === "n" && clip) refinements.mark(clip, "unlike");
  else if (event.key === "s" && clip) confirmClip(clip);
  else moveAmongTiles(event, at);
}

async function confirmClip(clip) {
  say(byId("told"), await confirm(clip));
}

const STEPS = { ArrowLeft: -1, k: -1, ArrowRight: 1, j: 1, ArrowUp: -1, ArrowDown: 1 };

function moveAmongTiles(event, at) {
  const by = STEPS[event.key];
  if (!by) return;
  const next = /Up|Down/.test(event.key) ? nextRow(at, by) : tiles()[at + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** Return the nearest tile of the next row up (-1) or down (1). */
function nextRow(at, by) {
  const { left, top } = tiles()[at].getBoundingClientRect();
  const distance = (tile) => {
    const place = tile.getBoundingClientRect();
    return Math.abs(place.top - top) * 1000 + Math.abs(place.left - left);
  };
  const side = tiles().filter((tile) => by * (tile.getBoundingClientRect().top - top) > 1);
  return side.sort((a, b) => distance(a) - distance(b))[0];
}

export function relabel() {
  drawExamples();
  filters.relabel();
  refinements.relabel();
  say(byId("text-fault"), "");
  draw();
}

/** Show an answer that a case asked for, or the problem that is in its way. @param {any} result */
export function showResult(result) {
  history.pushState(null, "", "/");
  shownAddress = location.search;
  text.value = result.query ?? "";
  router.read();
  if (result instanceof Problem) showProblem(result);
  else showAnswer(result);
}

/** Start when the session is known. */
export function start() {
  drawExamples();
  filters.start(() => ["answer", "problem"].includes(state.kind) && submit());
  window.addEventListener("popstate", readAddress);
  readAddress();
  setReady();
}

/** Listen from the first moment on: nobody waits until the session is known. */
export function listen() {
  refinements.start(submit);
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  text.addEventListener("keydown", onTextKey);
  text.addEventListener("input", () => {
    say(byId("text-fault"), "");
    refinements.forgetWords();
  });
  byId("more").addEventListener("click", loadMore);
  document.addEventListener("keydown", onKey);
}
