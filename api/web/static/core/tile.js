// A tile: a clip as a button with its frame, the person enlarged, and a caption.

import { boxNodes } from "./clip.js";
import { h, s } from "./dom.js";
import { dayTime, t } from "./i18n.js";

/** @typedef {import("./clip.js").Clip} Clip */

const MARKS = { match: "✓", maybe: "?", nothing: "–" };
const LENS_BELOW = 0.5; // a person smaller than this share of the frame's height is also shown enlarged
const LENS_RATIO = 0.55; // width by height

/** @returns {HTMLButtonElement[]} */
export const tiles = () => [...document.querySelectorAll("button.tile")].map((node) => /** @type {any} */ (node));

/** Show a verdict in colour, sign and word. @param {import("./clip.js").Verdict} verdict @param {string} [word] */
export function badge(verdict, word = t(verdict)) {
  const sign = h("span", { class: "sign", "aria-hidden": "true" }, MARKS[verdict]);
  return h("span", { class: `badge ${verdict}` }, sign, word);
}

/** Return a clip as a button; `play` is called when it is pressed. @param {Clip} clip @param {() => void} play */
export function tile(clip, play) {
  const attributes = { class: `tile ${clip.verdict ?? ""}`.trim(), onclick: play, "aria-label": spoken(clip) };
  return h("button", { type: "button", ...attributes }, picture(clip), caption(clip));
}

function caption(clip) {
  const rank = clip.rank === null ? null : h("span", { class: "rank" }, String(clip.rank));
  const verdict = clip.verdict === null ? null : badge(clip.verdict);
  const score = clip.score === null ? null : h("span", { class: "score", title: t("score_help") }, scoreWords(clip));
  const where = h("span", { class: "where" }, clip.camera);
  const when = h("time", { datetime: clip.time }, dayTime(clip.time_ms));
  const judged = rank || verdict || score ? h("span", { class: "line" }, rank, verdict, score) : null;
  return h("span", { class: "caption" }, judged, h("span", { class: "line" }, where, when));
}

const scoreWords = (clip) => `${t("score")} ${clip.score.toFixed(1)}`;

function spoken(clip) {
  const words = [
    clip.rank === null ? "" : t("rank", { rank: clip.rank }),
    clip.verdict === null ? "" : t(clip.verdict),
    clip.camera,
    dayTime(clip.time_ms),
    clip.score === null ? "" : scoreWords(clip),
    t("play"),
  ];
  return words.filter(Boolean).join(", ");
}

function picture(clip) {
  const image = h("img", { src: clip.thumbnail, alt: "", loading: "lazy", decoding: "async" });
  const view = h("span", { class: "picture" }, image, drawing(clip), lens(clip), playSign());
  if (clip.kind === "frame") view.append(h("span", { class: "whole" }, t("whole")));
  image.addEventListener("error", () => view.replaceChildren(h("span", { class: "missing" }, t("no_picture"))));
  return view;
}

const playSign = () =>
  s("svg", { class: "play", viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: "M8 5v14l11-7z" }));

function drawing(clip) {
  const viewBox = `0 0 ${clip.frame_width} ${clip.frame_height}`;
  const attributes = { class: "overlay", viewBox, preserveAspectRatio: "xMidYMid meet", "aria-hidden": "true" };
  return s("svg", attributes, ...boxNodes(clip));
}

/** Enlarge the person, at the side where the enlargement does not cover them. */
function lens(clip) {
  const [x1, y1, x2, y2] = clip.box;
  if (clip.kind === "frame" || y2 - y1 > LENS_BELOW * clip.frame_height) return null;
  const height = Math.max((y2 - y1) * 1.25, ((x2 - x1) * 1.15) / LENS_RATIO);
  const width = height * LENS_RATIO;
  const viewBox = [(x1 + x2 - width) / 2, (y1 + y2 - height) / 2, width, height].join(" ");
  const side = x1 + x2 < clip.frame_width ? "right" : "left";
  const frame = { width: clip.frame_width, height: clip.frame_height, preserveAspectRatio: "none" };
  const attributes = { class: `lens ${side}`, viewBox, preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" };
  return s("svg", attributes, s("image", { href: clip.thumbnail, ...frame }));
}
