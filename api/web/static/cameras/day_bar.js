// A camera's day as a thin bar, an hour a column: recorded from below, missing from above, and the words for it.

import { h, s } from "../core/dom.js";
import { clockSpan, length, t, word } from "../core/i18n.js";

const HOUR_MS = 3_600_000;
const WIDE = 10; // of an hour, in units of the drawing
const HIGH = 20;
const LEAST = 4; // a gap of seconds must be seen, too
const NOTED_S = 1; // shorter ones are no gap

/** Start of the browser's day. */
export const midnight = () => new Date().setHours(0, 0, 0, 0);

/** A bar whose words show in a line below it: of the hour under the pointer or the keys, else of the day. */
export class Day {
  constructor(camera) {
    this.hours = [];
    this.at = null;
    this.bar = h("div", { class: "day", role: "slider", tabindex: "0", "aria-orientation": "horizontal", "aria-valuemin": "0" });
    this.words = h("p", { class: "day-words", "aria-hidden": "true" }); // the slider says it
    this.camera = camera;
    this.bar.addEventListener("pointermove", (event) => this.point(event));
    this.bar.addEventListener("pointerleave", () => this.choose(null));
    this.bar.addEventListener("blur", () => this.choose(null));
    this.bar.addEventListener("keydown", (event) => this.key(event));
  }

  /** Show the accounts (`GET /api/coverage`) of this camera since `start`. */
  show(accounts, start) {
    const count = Math.round((new Date(start).setHours(24, 0, 0, 0) - start) / HOUR_MS);
    this.hours = Array.from({ length: count }, (_, n) => ({ from: start + n * HOUR_MS, to: start + (n + 1) * HOUR_MS, lines: [] }));
    for (const line of accounts) this.hours[Math.floor((line.start_ms - start) / HOUR_MS)]?.lines.push(line);
    this.draw();
  }

  draw() {
    const columns = this.hours.flatMap((hour, n) => column(total(hour.lines), n));
    const box = `0 0 ${Math.max(1, this.hours.length) * WIDE} ${HIGH}`;
    const chosen = this.at === null ? [] : [s("rect", { class: "chosen", x: this.at * WIDE, y: 0, width: WIDE, height: HIGH })];
    this.bar.replaceChildren(s("svg", { viewBox: box, preserveAspectRatio: "none", "aria-hidden": "true" }, ...columns, ...chosen));
    this.say();
  }

  say() {
    const hour = this.hours[this.at];
    const text = hour ? t("hour_line", { span: clockSpan(hour.from, hour.to), words: inWords(total(hour.lines)) }) : this.whole();
    const spoken = { "aria-label": `${this.camera}: ${t("today")}`, "aria-valuemax": this.hours.length - 1, "aria-valuenow": this.at ?? 0, "aria-valuetext": text };
    for (const [name, value] of Object.entries(spoken)) this.bar.setAttribute(name, value);
    this.words.textContent = text;
  }

  whole() {
    if (!this.hours.length) return ""; // not asked for yet
    const sums = total(this.hours.flatMap((hour) => hour.lines));
    return sums.expected ? t("day_line", { words: inWords(sums) }) : t("no_hours");
  }

  choose(at) {
    if (at === this.at) return;
    this.at = at;
    this.draw();
  }

  point(event) {
    const { left, width } = this.bar.getBoundingClientRect();
    this.choose(Math.min(this.hours.length - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * this.hours.length))));
  }

  key(event) {
    const last = this.hours.length - 1;
    const at = this.at ?? Math.min(last, new Date().getHours() + (event.key === "ArrowLeft" ? 1 : 0));
    const next = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: this.at === null ? at : at + 1, ArrowUp: at + 1, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.choose(Math.max(0, Math.min(last, next)));
  }
}

/** The bar's colours, with their words. */
export const legend = () => ["indexed", "late", "lost"].map((kind) => h("span", { class: `key ${kind}` }, t(`key_${kind}`)));

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

/** Rectangles of one hour. */
function column({ indexed, recorded, missing }, n) {
  const share = (seconds) => Math.min(HIGH, (seconds / 3600) * HIGH);
  const gone = Object.values(missing).reduce((sum, seconds) => sum + seconds, 0);
  const lost = gone < NOTED_S ? 0 : Math.max(LEAST, share(gone));
  const all = Math.min(share(recorded), HIGH - lost);
  const seen = recorded ? (all * indexed) / recorded : 0;
  const part = (kind, y, height) => (height > 0.01 ? [s("rect", { class: kind, x: n * WIDE + 0.8, y, width: WIDE - 1.6, height })] : []);
  return [...part("none", 0, HIGH), ...part("indexed", HIGH - seen, seen), ...part("late", HIGH - all, all - seen), ...part("lost", 0, lost)];
}

function inWords({ expected, recorded, missing, unindexed }) {
  const parts = (key, reasons) => Object.entries(reasons).filter(([, seconds]) => seconds >= NOTED_S).sort((a, b) => b[1] - a[1])
    .map(([reason, seconds]) => t(key, { time: length(seconds), reason: word(reason) }));
  if (!expected) return t("not_expected");
  const lost = parts("missing_part", missing);
  const some = recorded >= NOTED_S ? t("recorded_part", { time: length(recorded) }) : t("none_recorded");
  const first = lost.length ? some : t("all_recorded");
  return [first, ...lost, ...parts("unindexed_part", unindexed)].join(" · ");
}
