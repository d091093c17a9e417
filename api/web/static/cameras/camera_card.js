// One live camera: its picture of now, how it is, its streams' figures, its day.

import * as account from "../core/session.js";
import { change, h } from "../core/dom.js";
import { Day } from "./day_bar.js";
import * as masks from "./mask_editor.js";
import { clockTime, length, number, t, word } from "../core/i18n.js";

const FINE = ["recording"];
const SOON = ["connecting", "not recorded yet"];
const SIGNS = { fine: "✓", soon: "…", bad: "!" };
const LATE_S = 60;

const LATE_FRAME_S = 10;

const indexedFirst = (streams) => [...streams].sort((a, b) => (a.lag_s === null) - (b.lag_s === null));
const kindOf = (state) => (FINE.includes(state) ? "fine" : SOON.includes(state) ? "soon" : "bad");
const rank = (stream) => ["bad", "soon", "fine"].indexOf(kindOf(stream.state));
export const isWell = (stream) => kindOf(stream.state) !== "bad";

/** `node` is made once and changed in place, so that nothing flickers. */
export class Card {
  constructor(id) {
    this.id = id;
    this.streams = [];
    this.day = new Day(id);
    this.image = h("img", { alt: "", width: 320, height: 180, hidden: "" });
    this.blank = h("span", { class: "missing" });
    this.taken = h("span", { class: "taken" });
    this.name = h("h3", { class: "where" });
    this.state = h("span", { class: "badge" });
    this.detail = h("p", { class: "detail" });
    this.facts = h("dl", { class: "live-facts" });
    this.masks = h("button", { type: "button", class: "quiet to-masks", onclick: () => masks.open(id, this.image.src) }, t("masks"));
    this.masks.hidden = !account.has("admin", "supervisor");
    this.image.addEventListener("error", () => (this.image.hidden = true));
    this.image.addEventListener("load", () => (this.image.hidden = false));
    this.node = h(
      "li", { class: "live-card", "data-camera": id },
      h("div", { class: "picture" }, this.blank, this.image, this.taken),
      h("div", { class: "live-words" }, h("div", { class: "line" }, this.name, this.state), this.detail, this.facts, this.masks),
      h("div", { class: "live-day" }, this.day.bar, this.day.words),
    );
    this.relabel();
  }

  /** Smaller is worse. */
  get rank() {
    return Math.min(...this.streams.map(rank));
  }

  fits(wanted) {
    const words = this.streams.flatMap(({ camera, name, state, address }) => [camera, name, state, word(state), address]);
    return words.join(" ").toLowerCase().includes(wanted);
  }

  show(streams) {
    this.streams = streams;
    const worst = [...streams].sort((a, b) => rank(a) - rank(b))[0];
    const kind = kindOf(worst.state);
    change(this.name, worst.name || this.id);
    this.name.title = worst.name ? this.id : "";
    this.node.dataset.kind = kind;
    if (this.state.dataset.state !== worst.state || this.relabelled) {
      this.state.dataset.state = worst.state;
      this.state.className = `badge ${{ fine: "match", soon: "nothing", bad: "bad" }[kind]}`;
      this.state.replaceChildren(h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]), word(worst.state));
    }
    this.relabelled = false;
    change(this.detail, kind === "fine" ? "" : [worst.detail, worst.address].filter(Boolean).join(" · "));
    this.detail.hidden = kind === "fine";
    this.showFacts();
    this.showTaken();
  }

  showFacts() {
    const rows = indexedFirst(this.streams).flatMap(facts);
    const nodes = this.facts.children;
    if (nodes.length !== rows.length) {
      this.facts.replaceChildren(...rows.map(() => h("div", {}, h("dt"), h("dd"))));
    }
    rows.forEach(([label, value, late, wide], n) => {
      change(nodes[n].firstChild, label);
      change(nodes[n].lastChild, value);
      nodes[n].className = [late ? "late" : "", wide ? "wide" : ""].join(" ");
    });
  }

  showTaken() {
    const at = /[?&]at=(\d+)/.exec(this.address ?? "")?.[1];
    const time = at ? clockTime(Number(at)) : "";
    change(this.taken, time);
    this.taken.hidden = !time;
    this.image.alt = time ? t("now_of", { camera: this.id, time }) : "";
  }

  get address() {
    return this.streams.find((stream) => stream.now)?.now;
  }

  /** Called only while the card is on the screen. The old picture stays until the new one is there. */
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

/** [label, value, whether it is too late, whether it is long] of what a person looks at. */
function facts(stream) {
  const { last_frame_age_s: age, lag_s: lag, reconnects, clock_jumps: jumps } = stream;
  const up = stream.state === "recording";
  if (lag === null) return [[t("fact_kept"), up ? `${size(stream)} · ${rates(stream)}` : word(stream.state), false, true]];
  const rows = [
    [t("fact_age"), age === null ? t("never") : t("ago", { time: length(age) }), up && age > LATE_FRAME_S],
    [t("fact_lag"), length(lag), up && lag > LATE_S],
    [t("fact_stream"), size(stream)],
  ];
  if (up) rows.push([t("fact_rate"), rates(stream)]);
  if (reconnects) rows.push([t("fact_again"), number(reconnects)]);
  if (jumps) rows.push([t("fact_jumps"), number(jumps)]);
  return rows;
}

const size = ({ width, height, codec }) => (width ? `${width} × ${height} ${codec}` : "–");
const rates = ({ fps, kbit_s: rate }) => `${t("per_second", { n: number(fps) })} · ${number(Math.round(rate / 100) / 10)} Mbit/s`;
