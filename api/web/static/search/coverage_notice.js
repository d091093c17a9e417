// What of the question's cameras and time nobody could look at, so that "nothing found" is not taken for "not there".

import { byId, h } from "../core/dom.js";
import { length, number, span, t, word } from "../core/i18n.js";

const LATE_S = 60;

export function showGaps(coverage) {
  const lines = [];
  if (coverage.with_gaps) lines.push(list(coverage));
  if (coverage.behind_s > LATE_S) lines.push(h("p", {}, t("gap_behind", { time: length(coverage.behind_s) })));
  byId("gaps").replaceChildren(...lines.map((line) => h("div", { class: "gap-note" }, line)));
}

function list({ with_gaps: some, cameras, gaps, more, start, end }) {
  const values = { with: number(some), all: number(cameras), span: span(Date.parse(start), Date.parse(end)) };
  return h(
    "details", {},
    h("summary", {}, t(cameras === 1 ? "gap_cameras_one" : "gap_cameras", values)),
    h("p", {}, t("gap_why")),
    h("ul", {}, ...gaps.map(line), more ? h("li", {}, t("gap_more", { n: number(more) })) : null),
  );
}

function line({ camera, start_ms: from, end_ms: to, seconds, reason, detail }) {
  return h(
    "li", {},
    h("strong", {}, camera),
    h("span", {}, span(from, to)),
    h("span", { class: "length" }, length(seconds)),
    h("span", {}, word(reason), detail ? h("small", {}, ` ${detail}`) : null),
  );
}
