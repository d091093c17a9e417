// What is looked for besides the sentence: chips of what it was taken to say, photos, marks on clips, the order.

import { byId, h, say } from "../core/dom.js";
import { t } from "../core/i18n.js";
import * as photobox from "./photo_crop.js";
import * as purpose from "../cases/purpose.js";
import { ask } from "../core/http.js";

const PHOTO_PX = 1024;
const CHIP_PX = 44;
const MOST_PHOTOS = 8;
const strip = byId("wish");
let wish = { without: [], like: [], unlike: [], order: "best" };
let photos = []; // {data, picture: canvas, box: the part that shows the person, null: all of it}
let past = []; // earlier wishes, for undo
let understood = null;
let again = () => {};

/** What the request says of it; what is empty is left out. */
export function request() {
  const found = { order: wish.order, photos: photos.map(({ data, box }) => (box ? { data, box } : { data })) };
  for (const name of ["without", "like", "unlike"]) found[name] = wish[name];
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value.length));
}

export const hasPictures = () => photos.length > 0 || wish.like.length > 0;
export const markOf = (clip) => (wish.like.includes(clip.id) ? "like" : wish.unlike.includes(clip.id) ? "unlike" : "");

export function toParams(params) {
  for (const name of ["without", "like", "unlike"]) wish[name].forEach((value) => params.append(name, value));
  if (wish.order !== "best") params.set("order", wish.order);
}

export function readParams(params) {
  wish = { without: params.getAll("without"), like: params.getAll("like"), unlike: params.getAll("unlike"), order: params.get("order") === "time" ? "time" : "best" };
  past = [];
  understood = null;
  draw();
}

/** Words that were removed from another sentence say nothing about this one. */
export function forgetWords() {
  wish = { ...wish, without: [] };
}

/** Draw the chips of an answer. */
export function show(answer) {
  understood = answer.understood;
  draw();
}

function become(next) {
  past.push(wish);
  wish = { ...wish, ...next };
  draw();
  again();
}

/** Mark a clip as showing the person ("like") or not; the same mark again takes it away. */
export function mark(clip, sign) {
  const other = { like: wish.like.filter((id) => id !== clip.id), unlike: wish.unlike.filter((id) => id !== clip.id) };
  if (!wish[sign].includes(clip.id)) other[sign] = [...other[sign], clip.id];
  become(other);
}

export function undo() {
  if (!past.length) return;
  wish = past.pop();
  draw();
  again();
}

function draw() {
  const chips = (understood?.chips ?? []).map((chip) =>
    removable("chip-time", `${chip.words} → ${chip.meaning}`, () => become({ without: [...wish.without, chip.words] })));
  const back = wish.without.map((words) =>
    h("button", { type: "button", class: "wish-chip off", onclick: () => become({ without: wish.without.filter((w) => w !== words) }) }, t("put_back", { words })));
  const pictures = photos.map(photoChip);
  const marks = [["like", "liked"], ["unlike", "unliked"]].filter(([sign]) => wish[sign].length)
    .map(([sign, word]) => removable(sign, t(word, { n: wish[sign].length }), () => become({ [sign]: [] })));
  const order = h("button", { type: "button", class: "quiet", "aria-pressed": String(wish.order === "time"), onclick: () => become({ order: wish.order === "time" ? "best" : "time" }) }, t("by_time"));
  const back1 = past.length ? h("button", { type: "button", class: "quiet", onclick: undo }, t("undo")) : null;
  const unclear = understood?.unclear.length ? h("span", { class: "unclear" }, t("unclear", { words: understood.unclear.join(t("word_comma")) })) : null;
  const watch = h("button", { type: "button", class: "quiet", onclick: watchOn }, t("watch_on"));
  const asked = understood ? [order, watch] : [];
  strip.replaceChildren(...[...chips, ...back, ...pictures, ...marks, back1, ...asked, unclear].filter(Boolean));
  strip.hidden = !strip.childElementCount;
}

/** Save a standing search for the sentence and the marks, in the chosen case. */
async function watchOn() {
  const told = byId("told");
  try {
    const made = await ask("/api/standing", { body: { sentence: byId("text").value.trim(), like: wish.like, ...purpose.request() } });
    say(told, t("watching", { n: made.id, rate: made.measured.expected_per_day ?? "?" }));
  } catch (problem) {
    say(told, [problem.body?.what, problem.body?.cure].filter(Boolean).join(" · ") || t("unreachable"));
  }
}

function removable(kind, content, remove) {
  return h("button", { type: "button", class: `wish-chip ${kind}`, title: t("remove"), onclick: remove },
    content, h("span", { class: "cross", "aria-hidden": "true" }, "×"), h("span", { class: "hidden" }, t("remove")));
}

function photoChip(photo) {
  const part = h("button", { type: "button", class: "part", title: t("choose_part"), "aria-label": t("choose_part"), onclick: () => photobox.choose(photo.picture, photo.box, (box) => cut(photo, box)) },
    scaled(photo.picture, CHIP_PX, photo.box));
  const away = h("button", { type: "button", class: "cross", title: t("remove"), "aria-label": `${t("add_photo")}: ${t("remove")}`, onclick: () => drop(photo) }, "×");
  return h("span", { class: "wish-chip pictured" }, part, away);
}

function cut(photo, box) {
  if (String(photo.box) === String(box)) return;
  photos = photos.map((other) => (other === photo ? { ...photo, box } : other));
  draw();
  again();
}

function drop(photo) {
  photos = photos.filter((other) => other !== photo);
  draw();
  again();
}

/** Take picture files, made smaller here; nothing leaves the page before the search. */
async function take(files) {
  const room = MOST_PHOTOS - photos.length;
  const pictures = [...files].filter((file) => file.type.startsWith("image/")).slice(0, room);
  const made = await Promise.all(pictures.map((file) => shrunk(file).catch(() => null)));
  photos = [...photos, ...made.filter(Boolean)];
  draw();
  if (made.some(Boolean)) again();
}

async function shrunk(file) {
  const picture = scaled(await createImageBitmap(file), PHOTO_PX);
  const blob = await new Promise((resolve) => picture.toBlob(resolve, "image/jpeg", 0.9));
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return { data: btoa(text), picture, box: null };
}

/** A smaller copy of a picture, or of a part of it. */
function scaled(picture, most, part = null) {
  const [x1, y1, x2, y2] = part ?? [0, 0, picture.width, picture.height];
  const by = Math.min(1, most / Math.max(x2 - x1, y2 - y1));
  const canvas = h("canvas", { width: Math.max(1, Math.round((x2 - x1) * by)), height: Math.max(1, Math.round((y2 - y1) * by)) });
  canvas.getContext("2d").drawImage(picture, x1, y1, x2 - x1, y2 - y1, 0, 0, canvas.width, canvas.height);
  return canvas;
}

export const relabel = draw;

/** `search()` asks again with what has changed. */
export function start(search) {
  again = search;
  photobox.start();
  const form = byId("search");
  byId("photo").addEventListener("change", (event) => {
    take(event.target.files);
    event.target.value = "";
  });
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  byId("text").addEventListener("paste", (event) => event.clipboardData.files.length && take(event.clipboardData.files));
}
