// What of the searched cameras and time is not in the index, so that "nothing found" is not read as "was not there".

import { byId, h } from "../core/dom.js";
import { length, number, span, stateWords, t } from "../core/i18n.js";

const LATE_S = 60;

/** Show the gaps of an answer (`coverage`). */
export function showGaps(coverage) {
  const lines = [];
  if (coverage.with_gaps) lines.push(gapList(coverage));
  if (coverage.behind_s > LATE_S) lines.push(h("p", {}, t("gap_behind", { time: length(coverage.behind_s) })));
  byId("gaps").replaceChildren(...lines.map((line) => h("div", { class: "gap-note" }, line)));
}

function gapList({ with_gaps: some, camera_count: cameras, gaps, more_gaps: more, start, end }) {
  const values = { with: number(some), all: number(cameras), span: span(Date.parse(start), Date.parse(end)) };
  return h(
    "details",
    {},
    h("summary", {}, t(cameras === 1 ? "gap_cameras_one" : "gap_cameras", values)),
    h("p", {}, t("gap_why")),
    h("ul", {}, ...gaps.map(gap), more ? h("li", {}, t("gap_more", { n: number(more) })) : null),
  );
}

function gap({ camera, start_ms: from, end_ms: to, seconds, reason, detail }) {
  return h(
    "li",
    {},
    h("strong", {}, camera),
    h("span", {}, span(from, to)),
    h("span", { class: "length" }, length(seconds)),
    h("span", {}, stateWords(reason), detail ? h("small", {}, ` ${detail}`) : null),
  );
}
