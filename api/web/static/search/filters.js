// Which cameras, from when to when. The time fields show what is recorded until somebody changes them.

import { byId, h, say } from "../core/dom.js";
import { clockSpan, span, t, zone } from "../core/i18n.js";

const MINUTE_MS = 60_000;
const MANY = 12; // from so many cameras on there is a field to find one
const SMALL = "(max-width: 600px)"; // as in style.css: there the filters are folded away
const from = byId("from");
const to = byId("to");
const chosen = new Set();
let cameras = [];

/** What the filters say, for the request; what is not restricted is left out. */
export function filters() {
  const found = { cameras: [...chosen] };
  if (edited(from)) found.from = toMs(from.value);
  if (edited(to)) found.to = toMs(to.value);
  return found;
}

/** The cameras that were last drawn. */
export const known = () => cameras;

export const restricted = () => chosen.size > 0 || edited(from) || edited(to);

/** Whether the filters make sense; says what is wrong. */
export function valid() {
  const { from: begin, to: end } = filters();
  const bad = begin !== undefined && end !== undefined && begin >= end;
  say(byId("time-fault"), bad ? t("bad_range") : "");
  if (bad) to.focus();
  return !bad;
}

export function setFilters({ cameras: wanted = [], from: begin, to: end }) {
  chosen.clear();
  wanted.forEach((id) => chosen.add(id));
  set(from, begin);
  set(to, end);
  if (restricted()) byId("filters").open = true;
  showCameras(cameras);
}

/** Draw the cameras and what is recorded of them. */
export function showCameras(known) {
  cameras = known;
  byId("filters").hidden = !known.length;
  byId("camera-filter").hidden = known.length < MANY;
  drawChips();
  showCoverage();
}

/** Draw them again without taking the focus away from somebody. */
function drawChips() {
  const box = byId("cameras");
  const focused = box.contains(document.activeElement) ? document.activeElement.value : null;
  box.replaceChildren(...listed().map(chip));
  if (focused !== null) [...box.querySelectorAll("input")].find((input) => input.value === focused)?.focus();
}

export function start(onChange) {
  const small = window.matchMedia(SMALL);
  const fold = () => (byId("filters").open = !small.matches || restricted());
  small.addEventListener("change", fold);
  fold();
  for (const field of [from, to]) {
    field.addEventListener("change", () => {
      field.dataset.edited = String(Boolean(field.value) && field.value !== field.dataset.hint);
      showCoverage();
      onChange();
    });
  }
  byId("any-time").addEventListener("click", () => {
    set(from);
    set(to);
    showCoverage();
    onChange();
  });
  byId("camera-filter").addEventListener("input", drawChips);
  byId("cameras").addEventListener("change", (event) => toggle(event.target, onChange));
}

function toggle(input, onChange) {
  if (input.checked) chosen.add(input.value);
  else chosen.delete(input.value);
  onChange();
}

/** Cameras that are shown: the chosen ones, those that are no longer known too, and those that fit the search. */
function listed() {
  const known = new Set(cameras.map((camera) => camera.id));
  const unknown = [...chosen].filter((id) => !known.has(id)).map((id) => ({ id, first_ms: null }));
  const wanted = byId("camera-filter").value.trim().toLowerCase();
  const fits = ({ id, name = "", district = "" }) => `${id} ${name} ${district}`.toLowerCase().includes(wanted);
  return [...unknown, ...cameras.filter((camera) => chosen.has(camera.id) || fits(camera))];
}

function chip(camera) {
  const input = h("input", { type: "checkbox", name: "camera", value: camera.id });
  input.checked = chosen.has(camera.id);
  const words = oneDay() ? clockSpan : span;
  const covered = camera.first_ms === null ? t("no_recording") : words(camera.first_ms, camera.last_ms);
  return h("label", { class: "chip" }, input, h("span", {}, camera.name || camera.id), h("small", {}, covered));
}

/** First and last moment of all recordings; null: there are none. */
function coverage() {
  const recorded = cameras.filter((camera) => camera.first_ms !== null);
  if (!recorded.length) return null;
  return [Math.min(...recorded.map((camera) => camera.first_ms)), Math.max(...recorded.map((camera) => camera.last_ms))];
}

function oneDay() {
  const days = (coverage() ?? []).map((ms) => new Date(ms).toDateString());
  return days[0] === days[1];
}

function showCoverage() {
  byId("any-time").hidden = !edited(from) && !edited(to);
  const covered = coverage();
  if (!covered) return;
  const [first, last] = covered;
  hint(from, Math.floor(first / MINUTE_MS) * MINUTE_MS);
  hint(to, Math.ceil(last / MINUTE_MS) * MINUTE_MS);
  byId("time-hint").textContent = t("recorded", { span: span(first, last), zone: zone() });
}

/** Show the recorded time in a field that nobody has changed. */
function hint(field, ms) {
  const unchanged = !edited(field);
  field.dataset.hint = toField(ms);
  if (unchanged) field.value = field.dataset.hint;
}

const edited = (field) => field.dataset.edited === "true";

function set(field, ms) {
  field.dataset.edited = String(ms !== undefined);
  field.value = ms === undefined ? (field.dataset.hint ?? "") : toField(ms);
}

const toMs = (value) => new Date(value).getTime();

/** The value of a datetime-local field, which knows no zone: the browser's own. */
function toField(ms) {
  const date = new Date(ms);
  const two = (n) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
