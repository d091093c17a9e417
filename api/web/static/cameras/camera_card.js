// The card of one live camera: its newest frame, its state, the figures of its streams, its day.

import { button, change, h } from "../core/dom.js";
import { clockTime, length, number, stateWords, t } from "../core/i18n.js";
import { has } from "../core/session.js";
import { DayBar } from "./day_bar.js";
import * as masks from "./mask_editor.js";

const GOOD = ["recording"];
const STARTING = ["connecting", "not recorded yet"];
const SIGNS = { fine: "✓", soon: "…", bad: "!" };
const BADGES = { fine: "match", soon: "nothing", bad: "bad" };
const LATE_S = 60;
const LATE_FRAME_S = 10;

const indexedFirst = (streams) => [...streams].sort((a, b) => Number(a.lag_s === null) - Number(b.lag_s === null));
const kindOf = (state) => (GOOD.includes(state) ? "fine" : STARTING.includes(state) ? "soon" : "bad");
const rank = (stream) => ["bad", "soon", "fine"].indexOf(kindOf(stream.state));

/** Say whether a stream needs nobody's help. */
export const isWell = (stream) => kindOf(stream.state) !== "bad";

/** A card whose node is made once and changed in place: nothing flickers. */
export class CameraCard {
  streams = [];
  relabelled = false;
  image = h("img", { alt: "", width: 320, height: 180, hidden: "" });
  blank = h("span", { class: "missing" });
  taken = h("span", { class: "taken" });
  name = h("h3", { class: "where" });
  state = h("span", { class: "badge" });
  detail = h("p", { class: "detail" });
  facts = h("dl", { class: "live-facts" });
  masks = button({ class: "quiet to-masks", onclick: () => masks.open(this.id, this.image.src) });

  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.day = new DayBar(id);
    this.masks.hidden = !has("admin", "supervisor");
    this.image.addEventListener("error", () => (this.image.hidden = true));
    this.image.addEventListener("load", () => (this.image.hidden = false));
    this.node = h(
      "li",
      { class: "live-card", "data-camera": id },
      h("div", { class: "picture" }, this.blank, this.image, this.taken),
      h(
        "div",
        { class: "live-words" },
        h("div", { class: "line" }, this.name, this.state),
        this.detail,
        this.facts,
        this.masks,
      ),
      h("div", { class: "live-day" }, this.day.bar, this.day.words),
    );
    this.relabel();
  }

  /** Rank of its worst stream; smaller is worse. */
  get rank() {
    return Math.min(...this.streams.map(rank));
  }

  /** Say whether the card's words contain `part`. @param {string} part in lower case */
  fits(part) {
    const words = this.streams.flatMap(({ camera, name, state, url }) => [camera, name, state, stateWords(state), url]);
    return words.join(" ").toLowerCase().includes(part);
  }

  /** Show these streams of the camera (`GET /api/live`). */
  show(streams) {
    this.streams = streams;
    const worst = [...streams].sort((a, b) => rank(a) - rank(b))[0];
    const kind = kindOf(worst.state);
    change(this.name, worst.name || this.id);
    this.name.title = worst.name ? this.id : "";
    this.node.dataset.kind = kind;
    this.showState(worst.state, kind);
    change(this.detail, kind === "fine" ? "" : [worst.detail, worst.url].filter(Boolean).join(" · "));
    this.detail.hidden = kind === "fine";
    this.showFacts();
    this.showTaken();
  }

  showState(state, kind) {
    if (this.state.dataset.state === state && !this.relabelled) return;
    this.relabelled = false;
    this.state.dataset.state = state;
    this.state.className = `badge ${BADGES[kind]}`;
    const sign = h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]);
    this.state.replaceChildren(sign, stateWords(state));
  }

  showFacts() {
    const facts = indexedFirst(this.streams).flatMap(factsOf);
    if (this.facts.children.length !== facts.length) {
      this.facts.replaceChildren(...facts.map(() => h("div", {}, h("dt"), h("dd"))));
    }
    facts.forEach(({ label, value, late = false, wide = false }, n) => {
      const node = this.facts.children[n];
      change(node.children[0], label);
      change(node.children[1], value);
      node.className = [late ? "late" : "", wide ? "wide" : ""].join(" ");
    });
  }

  showTaken() {
    const at = /[?&]at=(\d+)/.exec(this.address ?? "")?.[1];
    const time = at ? clockTime(Number(at)) : "";
    change(this.taken, time);
    this.taken.hidden = !time;
    this.image.alt = time ? t("now_of", { camera: this.id, time }) : "";
  }

  /** Address of the newest frame. */
  get address() {
    return this.streams.find((stream) => stream.image)?.image;
  }

  /** Load the newest frame; the old one stays until it is there. Called only while the card is on the screen. */
  showPicture() {
    const address = this.address;
    if (address && this.image.getAttribute("src") !== address) this.image.src = address;
  }

  relabel() {
    this.blank.textContent = t("no_picture");
    this.masks.textContent = t("masks");
    this.relabelled = true;
    this.day.draw();
  }
}

/**
 * Return the figures of a stream; `late` ones are marked, `wide` ones take a whole line.
 * @returns {{label: string, value: string, late?: boolean, wide?: boolean}[]}
 */
function factsOf(stream) {
  const { last_frame_age_s: age, lag_s: lag, reconnects, clock_jumps: jumps } = stream;
  const up = stream.state === "recording";
  if (lag === null) {
    const value = up ? `${size(stream)} · ${rates(stream)}` : stateWords(stream.state);
    return [{ label: t("fact_kept"), value, wide: true }];
  }
  const taken = age === null ? t("never") : t("ago", { time: length(age) });
  const facts = [
    { label: t("fact_age"), value: taken, late: up && age > LATE_FRAME_S },
    { label: t("fact_lag"), value: length(lag), late: up && lag > LATE_S },
    { label: t("fact_stream"), value: size(stream) },
  ];
  if (up) facts.push({ label: t("fact_rate"), value: rates(stream) });
  if (reconnects) facts.push({ label: t("fact_again"), value: number(reconnects) });
  if (jumps) facts.push({ label: t("fact_jumps"), value: number(jumps) });
  return facts;
}

const size = ({ width, height, codec }) => (width ? `${width} × ${height} ${codec}` : "–");
const rates = ({ fps, kbit_s: rate }) =>
  `${t("per_second", { n: number(fps) })} · ${number(Math.round(rate / 100) / 10)} Mbit/s`;
