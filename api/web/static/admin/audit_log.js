// The view of the audit log, for auditors: who used a case, what an account did, and whether the chain is intact.

import { busy, byId, h, quiet } from "../core/dom.js";
import { field, onSubmit } from "../core/forms.js";
import { ask, problemText } from "../core/http.js";
import { actionWords, dayTime, number, t } from "../core/i18n.js";

const PAGE = 100;
const FILTERS = /** @type {const} */ (["account", "case", "action"]);
const COLUMNS = /** @type {const} */ (["entry", "when", "by_account", "by_action", "by_case", "answer", "details"]);
const filter = { account: "", case: "", action: "" };
let visible = false;
let last = null; // number of the oldest entry in the table

/** @param {boolean} on */
export function show(on) {
  visible = on;
  if (on) draw();
}

export const relabel = () => visible && draw();

function draw() {
  const region = { class: "scroll", tabindex: 0, role: "region", "aria-label": t("record_title") };
  const more = quiet(t("more"), () => load(last));
  more.id = "record-more";
  more.hidden = true;
  byId("record-body").replaceChildren(
    form(),
    h("p", { id: "record-state", role: "status" }),
    h("div", region, table()),
    more,
  );
  load();
}

function form() {
  const inputs = FILTERS.map((name) => h("input", { name, maxlength: 64, value: filter[name] }));
  const node = h(
    "form",
    { class: "record-form" },
    ...FILTERS.map((name, n) => field(`by_${name}`, inputs[n], "inline")),
    h("button", { type: "submit", class: "primary" }, t("look_up")),
    quiet(t("check_record"), check),
  );
  onSubmit(node, () => {
    FILTERS.forEach((name, n) => (filter[name] = inputs[n].value.trim()));
    load();
  });
  return node;
}

function table() {
  const heads = COLUMNS.map((name) => h("th", { scope: "col" }, t(name)));
  return h(
    "table",
    { class: "record" },
    h("caption", { class: "hidden" }, t("record_title")),
    h("thead", {}, h("tr", {}, ...heads)),
    h("tbody", { id: "entries" }),
  );
}

async function load(before = null) {
  const params = new URLSearchParams({ limit: String(PAGE) });
  for (const name of FILTERS) if (filter[name]) params.set(name, filter[name]);
  if (before !== null) params.set("before", before);
  try {
    const page = await busy(byId("record-body"), ask(`/api/audit?${params}`));
    if (before === null) byId("entries").replaceChildren();
    byId("entries").append(...page.entries.map(row));
    last = page.entries.at(-1)?.number ?? null;
    byId("record-more").hidden = !page.more;
  } catch (problem) {
    byId("record-state").textContent = problemText(problem);
  }
}

function row(entry) {
  const words = actionWords(entry.action);
  const action = h("span", {}, words, words === entry.action ? null : h("code", {}, entry.action));
  const { account, case: caseId, status } = entry;
  const cells = [number(entry.number), dayTime(entry.at_ms), account, action, caseId, status || "", whole(entry)];
  return h("tr", { "data-action": entry.action }, ...cells.map((cell) => h("td", {}, cell)));
}

/** Return a line that opens to the whole entry. */
function whole(entry) {
  const facts = [
    [t("address"), entry.address],
    [t("details"), JSON.stringify(entry.details, null, 2)],
    [t("hash"), entry.hash],
    [t("hash_before"), entry.previous],
  ];
  const rows = facts.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, h("pre", {}, text))]);
  return h("details", {}, h("summary", {}, summary(entry) || t("details")), h("dl", { class: "entry" }, ...rows));
}

/** Sum up an entry in a line, the sentence and the reason first. */
function summary({ details }) {
  const body = details.body ?? details.options ?? {};
  const clips = details.shown?.clips?.length ?? 0;
  const words = [
    body.query ?? body.text ?? body.sentence,
    body.reason,
    body.name,
    details.rule,
    clips ? t("clips_n", { n: clips }) : "",
    details.path,
  ];
  return words.filter((word) => typeof word === "string" && word).join(" · ");
}

async function check() {
  const state = byId("record-state");
  state.textContent = t("checking");
  try {
    const report = await busy(byId("record-body"), ask("/api/audit/check"));
    state.textContent = report.whole ? t("record_whole", { n: number(report.number) }) : report.what;
  } catch (problem) {
    state.textContent = problemText(problem);
  }
}
