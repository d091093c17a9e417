// The results: the headline, the tiles of the clips, and the states without clips.

import { button, byId, h, marked, s } from "../core/dom.js";
import { count, list, number, ruleWords, t } from "../core/i18n.js";
import { badge, tile } from "../core/tile.js";
import { showGaps } from "./coverage_notice.js";
import { restricted } from "./filters.js";
import * as refinements from "./refinements.js";

/** @typedef {import("../core/http.js").Problem} Problem */

const WAITING_TILES = 6;
const PARTS = ["headline", "gaps", "panel", "best", "rest"];

export function clear() {
  for (const id of PARTS) byId(id).replaceChildren();
  byId("headline").className = "headline";
  for (const id of ["told", "others", "after"]) byId(id).hidden = true;
}

/**
 * Show an answer.
 * @param {any} answer
 * @param {{open: (index: number) => void, widen: () => void}} actions play a clip; drop the filters
 */
export function showAnswer(answer, { open, widen }) {
  clear();
  const likely = answer.clips.filter((clip) => clip.verdict !== "nothing");
  drawHeadline(answer, likely, widen);
  showGaps(answer.coverage);
  answer.clips.forEach((clip, index) => {
    const grid = byId(clip.verdict === "nothing" ? "rest" : "best");
    grid.append(
      h(
        "li",
        {},
        tile(clip, () => open(index)),
        markButtons(clip),
      ),
    );
  });
  byId("others").hidden = likely.length === answer.clips.length;
  byId("others-title").hidden = likely.length === 0;
  byId("after").hidden = !answer.clips.length;
  byId("more").hidden = !answer.more;
}

const markButtons = (clip) =>
  h("span", { class: "marks" }, markButton(clip, "like", "✓"), markButton(clip, "unlike", "✗"));

/** @param {import("./refinements.js").Sign} sign */
function markButton(clip, sign, symbol) {
  const attributes = {
    class: `mark ${sign}`,
    "aria-pressed": String(refinements.markOf(clip) === sign),
    title: t(sign),
    "aria-label": `${t(sign)}: ${t("rank", { rank: clip.rank })}`,
    onclick: () => refinements.mark(clip, sign),
  };
  return button(attributes, symbol);
}

function drawHeadline(answer, likely, widen) {
  const node = byId("headline");
  node.classList.add(answer.verdict);
  const time = `${number(Math.round(answer.took_ms / 10) / 100)} s`;
  const searched = h("span", { class: "searched" }, t("searched", { rows: number(answer.rows), time }));
  if (answer.verdict === "nothing") node.append(nothingFound(answer, widen), searched);
  else node.append(h("p", {}, badge(answer.verdict, ""), h("strong", {}, ...summary(answer, likely))), searched);
  const weak = answer.hints.flatMap((hint) => hint.words);
  if (weak.length) node.append(h("p", { class: "weak" }, t("weak", { words: list(weak) })));
}

function summary(answer, likely) {
  if (answer.verdict === "maybe") return [count(likely.length, "maybe_found", "maybe_one")];
  const sure = likely.filter((clip) => clip.verdict === "match").length;
  const more = likely.length - sure;
  const rest = more ? [h("span", { class: "more" }, ` ${t("found_more", { n: number(more) })}`)] : [];
  return [count(sure, "found", "found_one"), ...rest];
}

function nothingFound(answer, widen) {
  const near = answer.clips.length > 0;
  return h(
    "div",
    { class: "nothing-found" },
    nothingSign(),
    h(
      "div",
      {},
      h("strong", {}, t("nothing_found")),
      h("p", {}, t(near ? "nothing_near" : "none_filtered")),
      near ? h("p", { class: "tips" }, t("nothing_tips")) : null,
      restricted() ? button({ onclick: widen }, t("clear")) : null,
    ),
  );
}

const nothingSign = () =>
  s(
    "svg",
    { viewBox: "0 0 24 24", "aria-hidden": "true" },
    s("circle", { cx: 10.5, cy: 10.5, r: 6.5 }),
    s("path", { d: "m15.5 15.5 5 5M8 8l5 5M13 8l-5 5" }),
  );

export function showSearching() {
  clear();
  byId("headline").append(h("p", { class: "searching" }, h("span", { class: "spinner" }), t("searching")));
  for (let n = 0; n < WAITING_TILES; n += 1) {
    byId("best").append(h("li", { "aria-hidden": "true" }, h("span", { class: "tile waiting" })));
  }
}

/**
 * Show what, got, expected and cure of a failed search.
 * @param {Problem} problem
 * @param {() => void} again repeats the search
 * @param {HTMLElement | null} choices what else can be done
 */
export function showProblem(problem, again, choices = null) {
  clear();
  const body = wordsOf(problem);
  const refused = problem.status >= 400 && problem.status < 500;
  const rows = /** @type {const} */ (["got", "expected", "cure"]).filter((name) => body[name]);
  const panel = h(
    "div",
    { class: "panel problem", role: "alert" },
    h("h2", {}, t(refused ? "refused_title" : "error_title")),
    h("p", { class: "what" }, body.what ?? `HTTP ${problem.status}`),
    h("dl", {}, ...rows.flatMap((name) => [h("dt", {}, t(name)), h("dd", {}, ...marked(body[name]))])),
    choices,
    refused ? null : button({ onclick: again }, t("again")),
  );
  byId("panel").append(panel);
}

/** Return what the server says, in the page's language where the page knows the case. */
function wordsOf({ status, body }) {
  if (!status) return { what: t("unreachable"), cure: t("unreachable_cure") };
  if (body.error === "TooWide") return { ...body, what: t("too_wide"), cure: t("too_wide_cure") };
  const reason = body.rule && ruleWords(body.rule);
  if (!reason) return body;
  return { ...body, what: t("not_by", { reason }), expected: t("not_by_expected"), cure: t("not_by_cure") };
}

/** Show that the index has no rows. @param {boolean} indexing whether the first recordings are being indexed */
export function showEmpty(indexing) {
  clear();
  const panel = h(
    "div",
    { class: "panel empty" },
    h("h2", {}, t("empty_title")),
    h("p", {}, t(indexing ? "empty_indexing" : "empty_text")),
    indexing
      ? h("progress", { "aria-label": t("empty_indexing") })
      : h("pre", {}, h("code", {}, "xunren index recordings/")),
  );
  byId("panel").append(panel);
}
