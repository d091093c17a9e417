// The record, for auditors: who looked at a case, what an account looked for, and whether the chain is whole.

import { words } from "./audit_actions.js";
import { busy, byId, h } from "../core/dom.js";
import { dayTime, number, t } from "../core/i18n.js";
import { ask } from "../core/http.js";

const PAGE = 100;
const wanted = { account: "", case: "", action: "" };
let visible = false;

export function show(on) {
  visible = on;
  if (on) draw();
}

export const relabel = () => visible && draw();

function draw() {
  const fields = Object.keys(wanted).map((name) => {
    const input = h("input", { name, maxlength: 64, value: wanted[name] });
    return h("label", { class: "field inline" }, h("span", {}, t(`by_${name}`)), input);
  });
  const form = h("form", { class: "record-form" }, ...fields, h("button", { type: "submit", class: "primary" }, t("look_up")),
    h("button", { type: "button", class: "quiet", onclick: check }, t("check_record")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const name of Object.keys(wanted)) wanted[name] = form.elements[name].value.trim();
    list();
  });
  const table = h("table", { class: "record" }, h("caption", { class: "hidden" }, t("record_title")),
    h("thead", {}, h("tr", {}, ...["entry", "when", "by_account", "by_action", "by_case", "answer", "details"].map((name) => h("th", { scope: "col" }, t(name))))), h("tbody", { id: "entries" }));
  byId("record-body").replaceChildren(form, h("p", { id: "record-state", role: "status" }), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("record_title") }, table),
    h("button", { type: "button", id: "record-more", class: "quiet", hidden: "", onclick: () => list(last) }, t("more")));
  list();
}

let last = null;

async function list(before = null) {
  const params = new URLSearchParams({ limit: PAGE, ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value)) });
  if (before) params.set("before", before);
  const found = await busy(byId("record-body"), ask(`/api/audit?${params}`)).catch((problem) => problem);
  if (!found.entries) {
    byId("record-state").textContent = found.body?.what ?? t("unreachable");
    return;
  }
  if (!before) byId("entries").replaceChildren();
  byId("entries").append(...found.entries.map(row));
  last = found.entries.at(-1)?.number ?? null;
  byId("record-more").hidden = !found.more;
}

function row(entry) {
  const name = h("span", {}, words(entry.action), words(entry.action) === entry.action ? null : h("code", {}, entry.action));
  const cells = [number(entry.number), dayTime(entry.at_ms), entry.account, name, entry.case, entry.status || "", whole(entry)];
  return h("tr", { "data-action": entry.action }, ...cells.map((cell) => h("td", {}, cell)));
}

/** A line that opens to all that the entry says. */
function whole(entry) {
  const { address, details, hash, previous } = entry;
  const lines = [[t("address"), address], [t("details"), JSON.stringify(details, null, 2)], [t("hash"), hash], [t("hash_before"), previous]];
  return h("details", {}, h("summary", {}, said(entry) || t("details")),
    h("dl", { class: "entry" }, ...lines.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, h("pre", {}, text))])));
}

/** What was asked, in a line: the sentence and the reason first. */
function said({ details }) {
  const body = details.body ?? details.options ?? {};
  const words = [body.text ?? body.sentence, body.reason, body.name, details.rule, details.shown?.clips?.length ? t("clips_n", { n: details.shown.clips.length }) : "", details.path];
  return words.filter((word) => typeof word === "string" && word).join(" · ");
}

async function check() {
  byId("record-state").textContent = t("checking");
  const found = await busy(byId("record-body"), ask("/api/audit/check")).catch((problem) => problem);
  byId("record-state").textContent = found.whole ? t("record_whole", { n: number(found.number) }) : (found.what ?? found.body?.what ?? t("unreachable"));
}
