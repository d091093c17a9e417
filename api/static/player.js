// Plays one clip of an answer in a dialog: starts at the best moment, with the target's box, and goes on from there.

import { boxNodes, byId, h } from "./dom.js";
import { clockTime, dayTime, t } from "./i18n.js";
import { badge, tileOf } from "./results.js";
import { faultOf } from "./server.js";

const BOX_S = 0.35; // the box is true at its moment only
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
  for (const event of ["timeupdate", "seeked", "play"]) video.addEventListener(event, drawBox);
}

export function relabel() {
  if (dialog.open) describe(clips[index]);
}

const bestSecond = () => (clips[index].time_ms - clips[index].start_ms) / 1000;

function show(at) {
  index = at;
  const clip = clips[at];
  clearTimeout(holding);
  say(t("preparing"));
  video.poster = clip.thumbnail;
  video.src = clip.clip_url;
  shape(clip.frame_height);
  byId("player-box").classList.add("shown"); // the poster is the best moment
  byId("previous").disabled = at === 0;
  byId("next").disabled = at === clips.length - 1;
  describe(clip);
}

/** Give the stage and the box pictures of this height, where their width is the one in which the box was found. */
function shape(height) {
  const clip = clips[index];
  const box = clip.box.map((value, n) => (n % 2 ? (value * height) / clip.frame_height : value));
  const drawing = byId("player-box");
  drawing.setAttribute("viewBox", `0 0 ${clip.frame_width} ${height}`);
  drawing.replaceChildren(...boxNodes({ ...clip, box }));
  byId("stage").style.aspectRatio = `${clip.frame_width} / ${height}`;
}

/** The clip may be of the camera's other stream, whose pictures can have another shape than those that were searched. */
function loaded() {
  shape((clips[index].frame_width * video.videoHeight) / video.videoWidth);
  jump(bestSecond());
}

function describe(clip) {
  const place = h("span", { class: "place" }, clip.camera);
  byId("player-title").replaceChildren(badge(clip.verdict), place, h("time", {}, dayTime(clip.time_ms)));
  const facts = {
    rank: t("of", { rank: clip.rank, n: clips.length }), score: clip.score.toFixed(1),
    clip_time: `${clockTime(clip.start_ms)} – ${clockTime(clip.end_ms)}`,
    clock: t(SOURCES[clip.start_source] ?? "given"), file: clip.source.split(/[\\/]/).pop(),
  };
  const labels = { rank: t("results"), score: t("score"), clip_time: t("clip_time"), clock: t("clock"), file: t("file") };
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

function drawBox() {
  const near = Math.abs(video.currentTime - bestSecond()) <= BOX_S;
  byId("player-box").classList.toggle("shown", near || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA);
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
  if (confirming) say(await confirming(clips[index]));
}

function toggle() {
  if (video.paused) goOn();
  else video.pause();
}

async function failed() {
  const clip = clips[index];
  if (!dialog.open || !video.getAttribute("src")) return;
  const problem = await faultOf(clip.clip_url);
  if (clip !== clips[index]) return;
  const words = problem?.body?.what ? [problem.body.what, problem.body.cure].filter(Boolean).join(" · ") : "";
  say([t("unplayable"), words].filter(Boolean).join(": "));
}

function closed() {
  clearTimeout(holding);
  video.pause();
  video.removeAttribute("src");
  video.load();
  say("");
  const now = document.activeElement; // the browser gives the focus back to the tile that was opened first
  if (now === document.body || now.classList.contains("tile")) tileOf(index)?.focus();
}

function say(text) {
  note.textContent = text;
  note.hidden = !text;
}
