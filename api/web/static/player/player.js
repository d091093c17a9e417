// Plays one clip of an answer in a dialog: starts at the best moment and goes on from there, with a box that follows.

import { boxNodes, byId, h } from "../core/dom.js";
import { boxAt, boxesOf } from "./box_track.js";
import { clockTime, dayTime, t } from "../core/i18n.js";
import * as nearby from "./nearby_cameras.js";
import { badge, tileOf } from "../search/results.js";
import { faultOf } from "../core/http.js";

const BOX_MS = 350; // where no other boxes are kept, the clip's own is true at its moment only
const HOLD_MS = 900; // the best moment stands still this long before the clip goes on
const SOURCES = {
  given: "given", "container creation time": "container", "time in the file name": "filename",
  "file modification time": "mtime",
};

const dialog = byId("player");
const video = byId("video");
const note = byId("stage-note");
let clips = [];
let index = 0;
let clip = null; // what is played: clips[index], or what another camera showed at that time
let boxes = []; // of the person, through the clip
let high = 0; // of the pictures, in units of their width in which the boxes were found
let holding = 0;
let confirming = null;

/** Play clip number `at` of `list`; `onSighting(clip)` confirms one and resolves with what to say. */
export function play(list, at, onSighting = null) {
  clips = list;
  confirming = onSighting;
  byId("sighting").hidden = !onSighting;
  show(at);
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
  dialog.addEventListener("close", closed);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", onKey, true);
  video.addEventListener("loadedmetadata", loaded);
  video.addEventListener("loadeddata", () => say(""));
  video.addEventListener("error", failed);
  for (const event of ["timeupdate", "seeked", "play"]) video.addEventListener(event, () => drawBox(video.currentTime));
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(onFrame); // else the box follows four times a second
}

export function relabel() {
  if (dialog.open) describe();
}

const bestSecond = () => (clip.time_ms - clip.start_ms) / 1000;

function show(at) {
  index = at;
  byId("previous").disabled = at === 0;
  byId("next").disabled = at === clips.length - 1;
  open(clips[at]);
  nearby.offer(clips[at], open);
}

/** Load `next`, which is `clips[index]` or one of another camera. */
function open(next) {
  clip = next;
  clearTimeout(holding);
  say(t("preparing"));
  video.poster = clip.thumbnail;
  video.src = clip.clip_url;
  boxes = [];
  shape(clip.frame_height);
  drawBox(bestSecond()); // the poster is the best moment
  byId("sighting").hidden = !confirming || "beside" in clip;
  describe();
  follow(clip);
}

async function follow(followed) {
  const found = await boxesOf(followed).catch((problem) => problem);
  if (followed !== clip) return;
  if (Array.isArray(found)) boxes = found;
  else say(found.body?.what ?? t("unreachable"));
}

/** Give the stage and the box pictures of this height, where their width is the one in which the box was found. */
function shape(height) {
  high = height;
  byId("player-box").setAttribute("viewBox", `0 0 ${clip.frame_width} ${height}`);
  byId("stage").style.aspectRatio = `${clip.frame_width} / ${height}`;
}

/** The clip may be of the camera's other stream, whose pictures can have another shape than those that were searched. */
function loaded() {
  shape((clip.frame_width * video.videoHeight) / video.videoWidth);
  jump(bestSecond());
}

function describe() {
  const place = h("span", { class: "place" }, clip.camera);
  const what = "beside" in clip ? h("span", { class: "badge" }, t("same_time")) : badge(clip.verdict);
  byId("player-title").replaceChildren(what, place, h("time", {}, dayTime(clip.time_ms)));
  const facts = "beside" in clip ? { clip_time: `${clockTime(clip.start_ms)} – ${clockTime(clip.end_ms)}`, away: `${clip.beside} m` } : {
    rank: t("of", { rank: clip.rank, n: clips.length }), score: clip.score.toFixed(1),
    clip_time: `${clockTime(clip.start_ms)} – ${clockTime(clip.end_ms)}`,
    clock: t(SOURCES[clip.start_source] ?? "given"), file: clip.source.split(/[\\/]/).pop(),
  };
  const labels = { rank: t("results"), score: t("score"), clip_time: t("clip_time"), clock: t("clock"), file: t("file"), away: t("away") };
  byId("facts").replaceChildren(...Object.entries(facts).map(([name, value]) => h("div", {}, h("dt", {}, labels[name]), h("dd", {}, value))));
}

function step(by) {
  const next = index + by;
  if (next >= 0 && next < clips.length) show(next);
}

/** Show a moment, hold it so that the eye can find it, and go on. */
function jump(second) {
  clearTimeout(holding);
  video.pause();
  video.controls = false; // while the picture stands still nothing lies over it
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

/** Draw the person's box of a second of the clip, if it is known. */
function drawBox(second) {
  const drawing = byId("player-box");
  const box = clip && boxNow(clip.start_ms + 1000 * second);
  drawing.classList.toggle("shown", Boolean(box));
  if (!box) return;
  const scaled = box.map((value, n) => (n % 2 ? (value * high) / clip.frame_height : value));
  drawing.replaceChildren(...boxNodes({ ...clip, box: scaled }));
}

function boxNow(ms) {
  if (clip.kind === "frame") return null;
  if (Math.abs(ms - clip.time_ms) <= 1) return clip.box;
  return boxes.length ? boxAt(boxes, ms) : Math.abs(ms - clip.time_ms) <= BOX_MS ? clip.box : null;
}

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const actions = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), s: confirmClip, ",": () => frame(-1), ".": () => frame(1), b: () => jump(bestSecond()), B: () => jump(bestSecond()) };
  if (event.key === " " && event.target.tagName !== "BUTTON") actions[" "] = toggle;
  if (!actions[event.key]) return;
  event.preventDefault();
  event.stopPropagation();
  actions[event.key]();
}

const FRAME_S = 1 / 25; // a browser does not tell the rate; most cameras have 25

/** One picture back or on, and stand still. */
function frame(by) {
  clearTimeout(holding);
  video.pause();
  video.currentTime = Math.max(0, video.currentTime + by * FRAME_S);
}

async function confirmClip() {
  if (confirming && !("beside" in clip)) say(await confirming(clip));
}

function toggle() {
  if (video.paused) goOn();
  else video.pause();
}

async function failed() {
  const broken = clip;
  if (!dialog.open || !video.getAttribute("src")) return;
  const problem = await faultOf(broken.clip_url);
  if (broken !== clip) return;
  const words = problem?.body?.what ? [problem.body.what, problem.body.cure].filter(Boolean).join(" · ") : "";
  say([t("unplayable"), words].filter(Boolean).join(": "));
}

function closed() {
  clearTimeout(holding);
  video.pause();
  video.removeAttribute("src");
  video.load();
  nearby.clear();
  say("");
  const now = document.activeElement; // the browser gives the focus back to the tile that was opened first
  if (now === document.body || now.classList.contains("tile")) tileOf(index)?.focus();
}

function say(text) {
  note.textContent = text;
  note.hidden = !text;
}
