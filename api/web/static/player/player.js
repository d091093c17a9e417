// Plays a clip in a dialog: begins at the best moment, holds it, and goes on with a box that follows the person.

import { boxNodes } from "../core/clip.js";
import { byId, h, say } from "../core/dom.js";
import { faultOf, problemText } from "../core/http.js";
import { clockTime, clockWords, dayTime, t } from "../core/i18n.js";
import { badge, tiles } from "../core/tile.js";
import { boxAt, boxesOf } from "./box_track.js";
import * as nearby from "./nearby_cameras.js";

/** @typedef {import("../core/clip.js").Clip} Clip */
/** @typedef {(clip: Clip) => Promise<string>} Confirm confirms a clip as a sighting and returns what to tell */

const BOX_MS = 350; // without samples of its track a clip's own box holds this long around its moment
const HOLD_MS = 900; // the best moment stands still this long before the clip goes on
const FRAME_S = 1 / 25; // a browser does not tell the rate; most cameras have 25

const dialog = byId("player");
const video = byId("video");
const note = byId("stage-note");
/** @type {Clip[]} */
let clips = [];
let index = 0;
/** @type {Clip} */
let clip; // the playing one: clips[index], or the recording of a camera around
/** @type {import("./box_track.js").Sample[]} */
let boxes = [];
let height = 0; // of the drawing, where its width is the clip's frame_width
let holding = 0;
/** @type {Confirm | null} */
let confirm = null;

/**
 * Play clip number `at` of `list`.
 * @param {Clip[]} list
 * @param {number} at from 0
 * @param {Confirm | null} onSighting null: these clips cannot be confirmed
 */
export function play(list, at, onSighting = null) {
  clips = list;
  confirm = onSighting;
  showClip(at);
  if (!dialog.open) dialog.showModal();
  byId("moment").focus();
}

export function start() {
  byId("close").addEventListener("click", () => dialog.close());
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("moment").addEventListener("click", () => jump(bestSecond()));
  byId("restart").addEventListener("click", () => jump(0));
  byId("sighting").addEventListener("click", confirmClip);
  dialog.addEventListener("close", onClosed);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", onKey, true);
  video.addEventListener("loadedmetadata", onLoaded);
  video.addEventListener("loadeddata", () => say(note, ""));
  video.addEventListener("error", onFailed);
  for (const event of ["timeupdate", "seeked", "play"]) video.addEventListener(event, () => drawBox(video.currentTime));
  // without requestVideoFrameCallback the box follows four times a second
  if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(onFrame);
}

export function relabel() {
  if (dialog.open) describe();
}

const bestSecond = () => (clip.time_ms - clip.start_ms) / 1000;
const isBeside = () => (clip.beside ?? null) !== null;

function showClip(at) {
  index = at;
  byId("previous").disabled = at === 0;
  byId("next").disabled = at === clips.length - 1;
  open(clips[at]);
  nearby.offer(clips[at], open);
}

/** Load `next`: `clips[index]`, or the recording of a camera around. */
function open(next) {
  clip = next;
  clearTimeout(holding);
  say(note, t("preparing"));
  video.poster = clip.thumbnail;
  video.src = clip.clip_url;
  boxes = [];
  setHeight(clip.frame_height);
  drawBox(bestSecond()); // the poster is the best moment
  byId("sighting").hidden = !confirm || isBeside();
  describe();
  loadBoxes(clip);
}

async function loadBoxes(followed) {
  try {
    const samples = await boxesOf(followed);
    if (followed === clip) boxes = samples;
  } catch (problem) {
    if (followed === clip) say(note, problemText(problem));
  }
}

/** Give the stage and the drawing this height, where their width is the clip's frame_width. */
function setHeight(pixels) {
  height = pixels;
  byId("player-box").setAttribute("viewBox", `0 0 ${clip.frame_width} ${height}`);
  byId("stage").style.aspectRatio = `${clip.frame_width} / ${height}`;
}

/** The clip may be of the camera's other stream, whose frames have another shape than those that were searched. */
function onLoaded() {
  setHeight((clip.frame_width * video.videoHeight) / video.videoWidth);
  jump(bestSecond());
}

function describe() {
  const place = h("span", { class: "place" }, clip.camera);
  const sign = isBeside() ? h("span", { class: "badge" }, t("same_time")) : clip.verdict && badge(clip.verdict);
  byId("player-title").replaceChildren(...(sign ? [sign] : []), place, h("time", {}, dayTime(clip.time_ms)));
  const rows = facts().filter(([, value]) => value !== null);
  byId("facts").replaceChildren(...rows.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value))));
}

/** @returns {[string, string | null][]} labels and values; null: not known */
function facts() {
  const range = `${clockTime(clip.start_ms)} – ${clockTime(clip.end_ms)}`;
  if (isBeside())
    return [
      [t("clip_time"), range],
      [t("away"), `${clip.beside} m`],
    ];
  return [
    [t("results"), t("of", { rank: clip.rank ?? index + 1, n: clips.length })],
    [t("score"), clip.score?.toFixed(1) ?? null],
    [t("clip_time"), range],
    [t("clock"), clip.start_source && clockWords(clip.start_source)],
    [t("file"), clip.path?.split(/[\\/]/).pop() ?? null],
  ];
}

function step(by) {
  const next = index + by;
  if (next >= 0 && next < clips.length) showClip(next);
}

/** Show a moment, hold it so that the eye can find it, and go on. */
function jump(second) {
  clearTimeout(holding);
  video.pause();
  video.controls = false; // nothing lies over a frame that stands still
  video.currentTime = second;
  holding = setTimeout(goOn, HOLD_MS);
}

function goOn() {
  clearTimeout(holding);
  video.controls = true;
  video.play().catch(() => {}); // a browser that forbids it shows its own button
}

function onFrame(_, { mediaTime }) {
  drawBox(mediaTime);
  video.requestVideoFrameCallback(onFrame);
}

/** Draw the person's box at a second of the clip, if it is known. */
function drawBox(second) {
  if (!clip) return;
  const drawing = byId("player-box");
  const box = boxNow(clip.start_ms + 1000 * second);
  drawing.classList.toggle("shown", Boolean(box));
  if (!box) return;
  const scaled = box.map((value, n) => (n % 2 ? (value * height) / clip.frame_height : value));
  drawing.replaceChildren(...boxNodes({ kind: clip.kind, box: /** @type {Clip["box"]} */ (scaled) }));
}

function boxNow(ms) {
  if (clip.kind === "frame") return null;
  const away = Math.abs(ms - clip.time_ms);
  if (away <= 1) return clip.box;
  if (boxes.length) return boxAt(boxes, ms);
  return away <= BOX_MS ? clip.box : null;
}

const KEYS = {
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  s: confirmClip,
  ",": () => moveFrame(-1),
  ".": () => moveFrame(1),
  b: () => jump(bestSecond()),
  B: () => jump(bestSecond()),
  " ": toggle,
};

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === " " && event.target.tagName === "BUTTON") return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

/** Go one frame back or on, and stand still. */
function moveFrame(by) {
  clearTimeout(holding);
  video.pause();
  video.currentTime = Math.max(0, video.currentTime + by * FRAME_S);
}

async function confirmClip() {
  if (confirm && !isBeside()) say(note, await confirm(clip));
}

function toggle() {
  if (video.paused) goOn();
  else video.pause();
}

async function onFailed() {
  const broken = clip;
  if (!dialog.open || !video.getAttribute("src")) return;
  const problem = await faultOf(broken.clip_url);
  if (broken === clip) say(note, [t("unplayable"), problem ? problemText(problem) : ""].filter(Boolean).join(": "));
}

function onClosed() {
  clearTimeout(holding);
  video.pause();
  video.removeAttribute("src");
  video.load();
  nearby.clear();
  say(note, "");
  const now = document.activeElement; // the browser gives the focus back to the tile that was opened first
  if (!now || now === document.body || now.classList.contains("tile")) tiles()[index]?.focus();
}
