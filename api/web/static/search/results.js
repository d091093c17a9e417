// The grid of clips, the headline over it, and the states without clips.

import { boxNodes, byId, h, s } from "../core/dom.js";
import { showGaps } from "./coverage_notice.js";
import { count, dayTime, number, reasonOf, t } from "../core/i18n.js";
import { restricted } from "./filters.js";

export const MARKS = { match: "✓", maybe: "?", nothing: "–" };
const LENS_BELOW = 0.5; // a target that is smaller than this share of the frame's height is also shown enlarged
const LENS_RATIO = 0.55; // width by height
const WAITING_TILES = 6;

export function clear() {
  for (const id of ["headline", "gaps", "panel", "best", "rest"]) byId(id).replaceChildren();
  byId("headline").className = "headline";
  byId("told").hidden = true;
  byId("others").hidden = true;
  byId("after").hidden = true;
}

/** Show an answer. `open(index)` plays a clip, `widen()` drops the filters, `marking` keeps the marks. */
export function showAnswer(answer, { open, widen, marking }) {
  clear();
  const likely = answer.clips.filter((clip) => clip.verdict !== "nothing");
  headline(answer, likely, widen);
  showGaps(answer.coverage);
  answer.clips.forEach((clip, index) => {
    const list = clip.verdict === "nothing" ? byId("rest") : byId("best");
    list.append(h("li", {}, tile(clip, () => open(index)), markButtons(clip, marking)));
  });
  byId("others").hidden = likely.length === answer.clips.length;
  byId("others-title").hidden = likely.length === 0;
  byId("after").hidden = !answer.clips.length;
  byId("more").hidden = !answer.more;
}

function markButtons(clip, marking) {
  const button = (sign, mark) => {
    const pressed = String(marking.markOf(clip) === sign);
    return h("button", { type: "button", class: `mark ${sign}`, "aria-pressed": pressed, title: t(sign), "aria-label": `${t(sign)}: ${t("rank", clip)}`, onclick: () => marking.mark(clip, sign) }, mark);
  };
  return h("span", { class: "marks" }, button("like", "✓"), button("unlike", "✗"));
}

export const tileOf = (index) => document.querySelectorAll("button.tile")[index];

function headline(answer, likely, widen) {
  const node = byId("headline");
  node.classList.add(answer.verdict);
  const time = `${number(Math.round(answer.took_ms / 10) / 100)} s`;
  const searched = h("span", { class: "searched" }, t("searched", { rows: number(answer.rows), time }));
  if (answer.verdict === "nothing") node.append(nothingFound(answer, widen), searched);
  else node.append(h("p", {}, badge(answer.verdict, ""), h("strong", {}, ...summary(answer, likely))), searched);
  const weak = answer.hints.flatMap((hint) => hint.words);
  if (weak.length) node.append(h("p", { class: "weak" }, t("weak", { words: weak.join(t("word_comma")) })));
}

function summary(answer, likely) {
  if (answer.verdict === "maybe") return [count(likely.length, "maybe_found", "maybe_one")];
  const sure = likely.filter((clip) => clip.verdict === "match").length;
  const more = likely.length - sure;
  const words = [count(sure, "found", "found_one")];
  if (more) words.push(h("span", { class: "more" }, ` ${t("found_more", { n: number(more) })}`));
  return words;
}

function nothingFound(answer, widen) {
  const near = answer.clips.length > 0;
  return h(
    "div", { class: "nothing-found" },
    s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, s("circle", { cx: 10.5, cy: 10.5, r: 6.5 }), s("path", { d: "m15.5 15.5 5 5M8 8l5 5M13 8l-5 5" })),
    h(
      "div", {},
      h("strong", {}, t("nothing_found")),
      h("p", {}, t(near ? "nothing_near" : "none_filtered")),
      near ? h("p", { class: "tips" }, t("nothing_tips")) : null,
      restricted() ? h("button", { type: "button", onclick: widen }, t("clear")) : null,
    ),
  );
}

/** A verdict in colour, sign and word. */
export function badge(verdict, word = t(verdict)) {
  const sign = h("span", { class: "sign", "aria-hidden": "true" }, MARKS[verdict]);
  return h("span", { class: `badge ${verdict}` }, sign, word);
}

/** A clip as a button with its picture. */
export function tile(clip, play) {
  const where = h("span", { class: "where" }, clip.camera);
  const when = h("time", { datetime: clip.time }, dayTime(clip.time_ms));
  const score = h("span", { class: "score", title: t("score_help") }, `${t("score")} ${clip.score.toFixed(1)}`);
  return h(
    "button",
    { type: "button", class: `tile ${clip.verdict}`, onclick: play, "aria-label": spoken(clip) },
    picture(clip),
    h("span", { class: "caption" },
      h("span", { class: "line" }, h("span", { class: "rank" }, String(clip.rank)), badge(clip.verdict), score),
      h("span", { class: "line" }, where, when)),
  );
}

function spoken(clip) {
  const score = `${t("score")} ${clip.score.toFixed(1)}`;
  return [t("rank", clip), t(clip.verdict), clip.camera, dayTime(clip.time_ms), score, t("play")].join(", ");
}

function picture(clip) {
  const image = h("img", { src: clip.thumbnail, alt: "", loading: "lazy", decoding: "async" });
  const view = h("span", { class: "picture" }, image, drawing(clip), lens(clip), playSign());
  if (clip.kind === "frame") view.append(h("span", { class: "whole" }, t("whole")));
  image.addEventListener("error", () => view.replaceChildren(h("span", { class: "missing" }, t("no_picture"))));
  return view;
}

const playSign = () => s("svg", { class: "play", viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: "M8 5v14l11-7z" }));

function drawing(clip) {
  const size = `0 0 ${clip.frame_width} ${clip.frame_height}`;
  return s("svg", { class: "overlay", viewBox: size, preserveAspectRatio: "xMidYMid meet", "aria-hidden": "true" }, ...boxNodes(clip));
}

/** The target enlarged, at the side where it does not cover the target itself. */
function lens(clip) {
  const [x1, y1, x2, y2] = clip.box;
  if (clip.kind === "frame" || y2 - y1 > LENS_BELOW * clip.frame_height) return null;
  const height = Math.max((y2 - y1) * 1.25, ((x2 - x1) * 1.15) / LENS_RATIO);
  const width = height * LENS_RATIO;
  const view = [(x1 + x2 - width) / 2, (y1 + y2 - height) / 2, width, height].join(" ");
  const side = x1 + x2 < clip.frame_width ? "right" : "left";
  const image = s("image", { href: clip.thumbnail, width: clip.frame_width, height: clip.frame_height, preserveAspectRatio: "none" });
  return s("svg", { class: `lens ${side}`, viewBox: view, preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" }, image);
}

export function showSearching() {
  clear();
  byId("headline").append(h("p", { class: "searching" }, h("span", { class: "spinner" }), t("searching")));
  for (let n = 0; n < WAITING_TILES; n += 1) byId("best").append(h("li", { "aria-hidden": "true" }, h("span", { class: "tile waiting" })));
}

/** Show what, got, expected, cure. `again()` repeats the search. */
export function showProblem(problem, again, choices = null) {
  clear();
  const said = problem.status ? problem.body : { what: t("unreachable"), cure: t("unreachable_cure") };
  const body = { ...said, ...refusal(said.rule), ...(said.error === "TooWide" ? { what: t("too_wide"), cure: t("too_wide_cure") } : {}) };
  const refused = problem.status >= 400 && problem.status < 500;
  const rows = ["got", "expected", "cure"].filter((name) => body[name]);
  byId("panel").append(h(
    "div", { class: "panel problem", role: "alert" },
    h("h2", {}, t(refused ? "refused_title" : "error_title")),
    h("p", { class: "what" }, body.what ?? `HTTP ${problem.status}`),
    h("dl", {}, ...rows.flatMap((name) => [h("dt", {}, t(name)), h("dd", {}, ...marked(body[name]))])),
    choices,
    refused ? null : h("button", { type: "button", onclick: again }, t("again")),
  ));
}

/** The words for a sentence that a rule refuses; nothing where there is no rule, or one that the page does not know. */
function refusal(rule) {
  const reason = reasonOf(rule);
  return reason && { what: t("not_by", { reason }), expected: t("not_by_expected"), cure: t("not_by_cure") };
}

/** The page of an index without a row. */
export function showEmpty(indexing) {
  clear();
  byId("panel").append(h(
    "div", { class: "panel empty" },
    h("h2", {}, t("empty_title")),
    h("p", {}, t(indexing ? "empty_indexing" : "empty_text")),
    indexing ? h("progress", { "aria-label": t("empty_indexing") }) : h("pre", {}, h("code", {}, "xunren index recordings/")),
  ));
}

/** Text with `commands` in it. */
function marked(text) {
  return text.split("`").map((part, n) => (n % 2 ? h("code", {}, part) : part)).filter((part) => part !== "");
}
