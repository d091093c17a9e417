// A camera's day as a thin bar, an hour a column: recorded from below, missing from above, and the words for it.

import { h, s } from "../core/dom.js";
import { clockSpan, length, stateWords, t } from "../core/i18n.js";

const HOUR_MS = 3_600_000;
const WIDE = 10; // of an hour, in units of the drawing
const HIGH = 20;
const LEAST = 4; // a gap of seconds must be visible, too
const NOTED_S = 1; // shorter ones are no gap
const KINDS = /** @type {const} */ (["indexed", "late", "lost"]);

/** Return the start of the browser's day, Unix ms. */
export const midnight = () => new Date().setHours(0, 0, 0, 0);

/** A bar whose words stand in a line below it: of the hour under the pointer or the keys, else of the day. */
export class DayBar {
  /** @param {string} camera */
  constructor(camera) {
    this.camera = camera;
    /** @type {{from: number, to: number, lines: any[]}[]} */
    this.hours = [];
    /** @type {number | null} */
    this.at = null; // the chosen hour
    const slider = { role: "slider", tabindex: "0", "aria-orientation": "horizontal", "aria-valuemin": "0" };
    this.bar = h("div", { class: "day", ...slider });
    this.words = h("p", { class: "day-words", "aria-hidden": "true" }); // a screen reader hears them from the slider
    this.bar.addEventListener("pointermove", (event) => this.onPointer(event));
    this.bar.addEventListener("pointerleave", () => this.choose(null));
    this.bar.addEventListener("blur", () => this.choose(null));
    this.bar.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Show the hours of this camera (`GET /api/coverage`) since `start`, Unix ms. */
  show(lines, start) {
    const count = Math.round((new Date(start).setHours(24, 0, 0, 0) - start) / HOUR_MS);
    const hour = (n) => ({ from: start + n * HOUR_MS, to: start + (n + 1) * HOUR_MS, lines: [] });
    this.hours = Array.from({ length: count }, (_, n) => hour(n));
    for (const line of lines) this.hours[Math.floor((line.start_ms - start) / HOUR_MS)]?.lines.push(line);
    this.draw();
  }

  draw() {
    const columns = this.hours.flatMap((hour, n) => column(total(hour.lines), n));
    const chosen = { class: "chosen", x: (this.at ?? 0) * WIDE, y: 0, width: WIDE, height: HIGH };
    const viewBox = `0 0 ${Math.max(1, this.hours.length) * WIDE} ${HIGH}`;
    const drawing = s("svg", { viewBox, preserveAspectRatio: "none", "aria-hidden": "true" }, ...columns);
    if (this.at !== null) drawing.append(s("rect", chosen));
    this.bar.replaceChildren(drawing);
    this.say();
  }

  say() {
    const text = this.at === null ? this.wholeDay() : this.hourWords(this.hours[this.at]);
    const spoken = {
      "aria-label": `${this.camera}: ${t("today")}`,
      "aria-valuemax": this.hours.length - 1,
      "aria-valuenow": this.at ?? 0,
      "aria-valuetext": text,
    };
    for (const [name, value] of Object.entries(spoken)) this.bar.setAttribute(name, String(value));
    this.words.textContent = text;
  }

  hourWords({ from, to, lines }) {
    return t("hour_line", { span: clockSpan(from, to), words: inWords(total(lines)) });
  }

  wholeDay() {
    if (!this.hours.length) return ""; // not loaded yet
    const sums = total(this.hours.flatMap((hour) => hour.lines));
    return sums.expected ? t("day_line", { words: inWords(sums) }) : t("no_hours");
  }

  /** @param {number | null} at */
  choose(at) {
    if (at === this.at) return;
    this.at = at;
    this.draw();
  }

  onPointer(event) {
    if (!this.hours.length) return;
    const { left, width } = this.bar.getBoundingClientRect();
    const hour = Math.floor(((event.clientX - left) / width) * this.hours.length);
    this.choose(Math.min(this.hours.length - 1, Math.max(0, hour)));
  }

  onKey(event) {
    if (!this.hours.length) return;
    const last = this.hours.length - 1;
    const at = this.at ?? Math.min(last, new Date().getHours() + (event.key === "ArrowLeft" ? 1 : 0));
    const right = this.at === null ? at : at + 1;
    const keys = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: right, ArrowUp: at + 1, Home: 0, End: last };
    const next = keys[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.choose(Math.max(0, Math.min(last, next)));
  }
}

/** Return the bar's colours with their words. */
export const legend = () => KINDS.map((kind) => h("span", { class: `key ${kind}` }, t(`key_${kind}`)));

/** Add up seconds: expected, recorded, indexed, and by reason missing and not indexed. */
function total(lines) {
  const sums = { expected: 0, recorded: 0, indexed: 0, missing: {}, unindexed: {} };
  for (const line of lines) {
    sums.expected += line.expected_s;
    sums.recorded += line.recorded_s;
    sums.indexed += line.indexed_s;
    add(sums.missing, line.missing_s);
    add(sums.unindexed, line.not_indexed_s);
  }
  return sums;
}

function add(sums, more) {
  for (const [reason, seconds] of Object.entries(more)) sums[reason] = (sums[reason] ?? 0) + seconds;
}

/** Return the rectangles of one hour. */
function column({ indexed, recorded, missing }, n) {
  const share = (seconds) => Math.min(HIGH, (seconds / 3600) * HIGH);
  const gone = Object.values(missing).reduce((sum, seconds) => sum + seconds, 0);
  const lost = gone < NOTED_S ? 0 : Math.max(LEAST, share(gone));
  const all = Math.min(share(recorded), HIGH - lost);
  const done = recorded ? (all * indexed) / recorded : 0;
  /** @type {[string, number, number][]} */
  const parts = [
    ["none", 0, HIGH],
    ["indexed", HIGH - done, done],
    ["late", HIGH - all, all - done],
    ["lost", 0, lost],
  ];
  return parts
    .filter(([, , height]) => height > 0.01)
    .map(([kind, y, height]) => s("rect", { class: kind, x: n * WIDE + 0.8, y, width: WIDE - 1.6, height }));
}

function inWords({ expected, recorded, missing, unindexed }) {
  if (!expected) return t("not_expected");
  const lost = byReason("missing_part", missing);
  const some = recorded >= NOTED_S ? t("recorded_part", { time: length(recorded) }) : t("none_recorded");
  return [lost.length ? some : t("all_recorded"), ...lost, ...byReason("unindexed_part", unindexed)].join(" · ");
}

/** Word the seconds of each reason, the longest first. @param {"missing_part" | "unindexed_part"} key */
const byReason = (key, reasons) =>
  Object.entries(reasons)
    .filter(([, seconds]) => seconds >= NOTED_S)
    .sort((a, b) => b[1] - a[1])
    .map(([reason, seconds]) => t(key, { time: length(seconds), reason: stateWords(reason) }));
