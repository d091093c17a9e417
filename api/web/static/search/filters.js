// The filters: which cameras, from when to when. The time fields show what is recorded until somebody edits them.

import { byId, h, say } from "../core/dom.js";
import { clockSpan, span, t, zone } from "../core/i18n.js";

/** @typedef {{id: string, name?: string, district?: string, first_ms: number | null, last_ms?: number}} Camera */
/** @typedef {{cameras: string[], from?: number, to?: number}} Filters ids, Unix ms; without a field all is searched */

const MINUTE_MS = 60_000;
const MANY = 12; // with this many cameras there is a field to find one
const SMALL = "(max-width: 600px)"; // as in style.css: the filters are folded away there
const from = byId("from");
const to = byId("to");
/** @type {Set<string>} */
const chosen = new Set();
/** @type {Camera[]} */
let cameras = [];

/** Return what the filters say, for the request. @returns {Filters} */
export function filters() {
  /** @type {Filters} */
  const own = { cameras: [...chosen] };
  if (edited(from)) own.from = toMs(from.value);
  if (edited(to)) own.to = toMs(to.value);
  return own;
}

export const restricted = () => chosen.size > 0 || edited(from) || edited(to);

/** Return what a camera is called. @param {string} id */
export const nameOf = (id) => cameras.find((camera) => camera.id === id)?.name || id;

/** Say whether the filters make sense, and show what is wrong. */
export function valid() {
  const own = filters();
  const bad = own.from !== undefined && own.to !== undefined && own.from >= own.to;
  say(byId("time-fault"), bad ? t("bad_range") : "");
  if (bad) to.focus();
  return !bad;
}

/** @param {Partial<Filters>} next */
export function setFilters(next) {
  chosen.clear();
  next.cameras?.forEach((id) => chosen.add(id));
  set(from, next.from);
  set(to, next.to);
  if (restricted()) byId("filters").open = true;
  draw();
}

/** Draw the cameras and what is recorded of them. @param {Camera[]} known */
export function showCameras(known) {
  cameras = known;
  draw();
}

export const relabel = draw;

function draw() {
  byId("filters").hidden = !cameras.length;
  byId("camera-filter").hidden = cameras.length < MANY;
  drawChips();
  drawTimes();
}

/** Draw the cameras again without taking the focus away. */
function drawChips() {
  const box = byId("cameras");
  const focused = box.contains(document.activeElement) ? document.activeElement : null;
  const id = /** @type {HTMLInputElement | null} */ (focused)?.value;
  box.replaceChildren(...listed().map(chip));
  if (id !== undefined) [...box.querySelectorAll("input")].find((input) => input.value === id)?.focus();
}

/** Call `onChange` when somebody has changed the filters. @param {() => void} onChange */
export function start(onChange) {
  foldOnSmallScreens();
  for (const field of [from, to]) field.addEventListener("change", () => onTimeEdited(field, onChange));
  byId("any-time").addEventListener("click", () => {
    set(from);
    set(to);
    drawTimes();
    onChange();
  });
  byId("camera-filter").addEventListener("input", drawChips);
  byId("cameras").addEventListener("change", (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.checked) chosen.add(input.value);
    else chosen.delete(input.value);
    onChange();
  });
}

function foldOnSmallScreens() {
  const small = window.matchMedia(SMALL);
  const fold = () => (byId("filters").open = !small.matches || restricted());
  small.addEventListener("change", fold);
  fold();
}

function onTimeEdited(field, onChange) {
  field.dataset.edited = String(Boolean(field.value) && field.value !== field.dataset.hint);
  drawTimes();
  onChange();
}

/** Return the chosen cameras, also those that are no longer known, and those that fit what is typed. */
function listed() {
  const known = new Set(cameras.map((camera) => camera.id));
  const unknown = [...chosen].filter((id) => !known.has(id)).map((id) => ({ id, first_ms: null }));
  const part = byId("camera-filter").value.trim().toLowerCase();
  const fits = ({ id, name = "", district = "" }) => `${id} ${name} ${district}`.toLowerCase().includes(part);
  return [...unknown, ...cameras.filter((camera) => chosen.has(camera.id) || fits(camera))];
}

/** @param {Camera} camera */
function chip({ id, name, first_ms: first, last_ms: last = 0 }) {
  const input = h("input", { type: "checkbox", name: "camera", value: id });
  input.checked = chosen.has(id);
  const words = isOneDay() ? clockSpan : span;
  const covered = first === null ? t("no_recording") : words(first, last);
  return h("label", { class: "chip" }, input, h("span", {}, name || id), h("small", {}, covered));
}

/** Return the first and the last moment of all recordings, Unix ms; null: there are none. */
function recordedRange() {
  const recorded = /** @type {any[]} */ (cameras.filter((camera) => camera.first_ms !== null));
  if (!recorded.length) return null;
  return [Math.min(...recorded.map((one) => one.first_ms)), Math.max(...recorded.map((one) => one.last_ms))];
}

function isOneDay() {
  const days = (recordedRange() ?? []).map((ms) => new Date(ms).toDateString());
  return days[0] === days[1];
}

function drawTimes() {
  byId("any-time").hidden = !edited(from) && !edited(to);
  const range = recordedRange();
  if (!range) return;
  const [first, last] = range;
  hint(from, Math.floor(first / MINUTE_MS) * MINUTE_MS);
  hint(to, Math.ceil(last / MINUTE_MS) * MINUTE_MS);
  byId("time-hint").textContent = t("recorded", { span: span(first, last), zone: zone() });
}

/** Show the recorded time in a field that nobody has edited. */
function hint(field, ms) {
  const unchanged = !edited(field);
  field.dataset.hint = toField(ms);
  if (unchanged) field.value = field.dataset.hint;
}

const edited = (field) => field.dataset.edited === "true";

/** @param {HTMLInputElement} field @param {number} [ms] undefined: not restricted */
function set(field, ms) {
  field.dataset.edited = String(ms !== undefined);
  field.value = ms === undefined ? (field.dataset.hint ?? "") : toField(ms);
}

const toMs = (value) => new Date(value).getTime();

/** Return the value of a datetime-local field; it knows no zone and means the browser's own. */
function toField(ms) {
  const date = new Date(ms);
  const two = (n) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
