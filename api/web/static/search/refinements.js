// What refines the sentence: chips of its parts, photos, marks on clips, the order of the results.

import * as purpose from "../cases/purpose.js";
import { button, byId, h, quiet, say } from "../core/dom.js";
import { ask, base64, problemText } from "../core/http.js";
import { dayTime, list, span, t } from "../core/i18n.js";
import { nameOf } from "./filters.js";
import * as photoCrop from "./photo_crop.js";

/** @typedef {import("../core/clip.js").Clip} Clip */
/** @typedef {import("./photo_crop.js").Box} Box */
/** @typedef {"like" | "unlike"} Sign */
/** @typedef {{data: string, picture: HTMLCanvasElement, box: Box | null}} Photo `box`: the part with the person */
/** @typedef {{without: string[], like: string[], unlike: string[], order: "best" | "time"}} Choices */

const PHOTO_PX = 1024;
const CHIP_PX = 44;
const MOST_PHOTOS = 8;
const MOST_NAMED = 5; // cameras that a chip names
const LISTS = /** @type {const} */ (["without", "like", "unlike"]);
const strip = byId("wish");
/** @type {Choices} */
let choices = { without: [], like: [], unlike: [], order: "best" };
/** @type {Photo[]} */
let photos = [];
/** @type {Choices[]} */
let past = []; // earlier choices, for undo
let parsed = null; // what the server made of the sentence
let searchAgain = () => {};

/** Return the fields of the request; what is empty is left out. */
export function request() {
  const pictures = photos.map(({ data, box }) => (box ? { data, box } : { data }));
  const { without, like, unlike } = choices;
  const lists = Object.entries({ photos: pictures, without, like, unlike }).filter(([, values]) => values.length);
  return { order: choices.order, ...Object.fromEntries(lists) };
}

export const hasPictures = () => photos.length > 0 || choices.like.length > 0;

/** Return the mark of a clip; null: it has none. @param {Clip} clip @returns {Sign | null} */
export const markOf = ({ id }) => (choices.like.includes(id) ? "like" : choices.unlike.includes(id) ? "unlike" : null);

/** Write the choices into an address. @param {URLSearchParams} params */
export function toParams(params) {
  for (const name of LISTS) choices[name].forEach((value) => params.append(name, value));
  if (choices.order !== "best") params.set("order", choices.order);
}

/** Read the choices from an address. @param {URLSearchParams} params */
export function readParams(params) {
  const [without, like, unlike] = LISTS.map((name) => params.getAll(name));
  choices = { without, like, unlike, order: params.get("order") === "time" ? "time" : "best" };
  past = [];
  parsed = null;
  draw();
}

/** Forget removed chips: they say nothing about another sentence. */
export function forgetWords() {
  choices = { ...choices, without: [] };
}

/** Draw the chips of an answer. */
export function show(answer) {
  parsed = answer.parsed;
  draw();
}

/** @param {Partial<Choices>} next */
function change(next) {
  past.push(choices);
  choices = { ...choices, ...next };
  draw();
  searchAgain();
}

/** Mark a clip as showing the person or not; the same mark again takes it away. */
export function mark(/** @type {Clip} */ { id }, /** @type {Sign} */ sign) {
  const had = choices[sign].includes(id);
  const [like, unlike] = [choices.like, choices.unlike].map((ids) => ids.filter((other) => other !== id));
  const next = { like, unlike };
  if (!had) next[sign].push(id);
  change(next);
}

export function undo() {
  const before = past.pop();
  if (!before) return;
  choices = before;
  draw();
  searchAgain();
}

function draw() {
  const nodes = [
    ...(parsed?.chips ?? []).map(chip),
    ...choices.without.map(removedChip),
    ...photos.map(photoChip),
    marksChip("like", "liked"),
    marksChip("unlike", "unliked"),
    past.length ? quiet(t("undo"), undo) : null,
    ...(parsed ? [orderButton(), quiet(t("watch_on"), saveSearch)] : []),
    parsed?.unclear.length ? h("span", { class: "unclear" }, t("unclear", { words: list(parsed.unclear) })) : null,
  ];
  strip.replaceChildren(...nodes.filter((node) => node !== null));
  strip.hidden = !strip.childElementCount;
}

export const relabel = draw;

/** Return a part of the sentence with what it was taken for. */
function chip({ kind, words, cameras }) {
  const meaning = { time: timeWords, place: () => placeWords(cameras), not: () => t("chip_not") }[kind];
  const without = [...choices.without, words];
  return removable("chip-time", `${words} → ${meaning()}`, () => change({ without }));
}

function timeWords() {
  const [since, until] = [parsed.start, parsed.end].map((time) => (time === null ? null : Date.parse(time)));
  if (since === null) return until === null ? "" : t("chip_until", { time: dayTime(until) });
  return until === null ? t("chip_since", { time: dayTime(since) }) : span(since, until);
}

function placeWords(cameras) {
  const names = list(cameras.slice(0, MOST_NAMED).map(nameOf));
  const more = cameras.length - MOST_NAMED;
  return more > 0 ? t("chip_cameras_more", { names, n: more }) : names;
}

function removedChip(words) {
  const without = choices.without.filter((other) => other !== words);
  return button({ class: "wish-chip off", onclick: () => change({ without }) }, t("put_back", { words }));
}

/** @param {Sign} sign @param {"liked" | "unliked"} words */
function marksChip(sign, words) {
  const n = choices[sign].length;
  return n ? removable(sign, t(words, { n }), () => change({ [sign]: [] })) : null;
}

function orderButton() {
  const byTime = choices.order === "time";
  const onclick = () => change({ order: byTime ? "best" : "time" });
  return button({ class: "quiet", "aria-pressed": String(byTime), onclick }, t("by_time"));
}

/** Save the sentence and the marks as a search that raises alerts, in the chosen case. */
async function saveSearch() {
  const note = byId("told");
  const body = { query: byId("text").value.trim(), like: choices.like, ...purpose.request() };
  try {
    const { number, measured } = await ask("/api/saved-searches", { body });
    say(note, t("watching", { n: number, rate: measured.expected_per_day ?? "?" }));
  } catch (problem) {
    say(note, problemText(problem));
  }
}

function removable(kind, content, onclick) {
  return button(
    { class: `wish-chip ${kind}`, title: t("remove"), onclick },
    content,
    h("span", { class: "cross", "aria-hidden": "true" }, "×"),
    h("span", { class: "hidden" }, t("remove")),
  );
}

function photoChip(photo) {
  const choose = () => photoCrop.choose(photo.picture, photo.box, (box) => crop(photo, box));
  const part = { class: "part", title: t("choose_part"), "aria-label": t("choose_part"), onclick: choose };
  const away = { class: "cross", title: t("remove"), "aria-label": `${t("add_photo")}: ${t("remove")}` };
  return h(
    "span",
    { class: "wish-chip pictured" },
    button(part, scaled(photo.picture, CHIP_PX, photo.box)),
    button({ ...away, onclick: () => setPhotos(photos.filter((other) => other !== photo)) }, "×"),
  );
}

function crop(photo, box) {
  if (String(photo.box) !== String(box))
    setPhotos(photos.map((other) => (other === photo ? { ...photo, box } : other)));
}

function setPhotos(next) {
  photos = next;
  draw();
  searchAgain();
}

/** Take image files, made smaller here; nothing leaves the page before the search. */
async function take(files) {
  const room = MOST_PHOTOS - photos.length;
  const images = [...files].filter((file) => file.type.startsWith("image/")).slice(0, room);
  const made = await Promise.all(images.map((file) => shrunk(file).catch(() => null)));
  const usable = made.filter((photo) => photo !== null);
  if (usable.length) setPhotos([...photos, ...usable]);
}

async function shrunk(file) {
  const picture = scaled(await createImageBitmap(file), PHOTO_PX);
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => picture.toBlob(resolve, "image/jpeg", 0.9));
  return { data: await base64(/** @type {Blob} */ (blob)), picture, box: null };
}

/** Return a smaller copy of a picture, or of a part of it. */
function scaled(picture, most, part = null) {
  const [x1, y1, x2, y2] = part ?? [0, 0, picture.width, picture.height];
  const by = Math.min(1, most / Math.max(x2 - x1, y2 - y1));
  const pixels = (length) => Math.max(1, Math.round(length * by));
  const canvas = h("canvas", { width: pixels(x2 - x1), height: pixels(y2 - y1) });
  canvas.getContext("2d")?.drawImage(picture, x1, y1, x2 - x1, y2 - y1, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Call `search` when the choices have changed. @param {() => void} search */
export function start(search) {
  searchAgain = search;
  photoCrop.start();
  const form = byId("search");
  const input = byId("photo");
  input.addEventListener("change", () => {
    take([...(input.files ?? [])]);
    input.value = "";
  });
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files ?? []);
  });
  byId("text").addEventListener("paste", (event) => take(event.clipboardData?.files ?? []));
}
