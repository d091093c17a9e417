// Wide searches: ask for one, go on in danger to life, and what a supervisor says.

import { h } from "../core/dom.js";
import { has, who } from "../core/session.js";
import { dayTime, t } from "../core/i18n.js";
import * as purpose from "./purpose.js";
import { ask } from "../core/http.js";

/** What can be done where a search is too wide; `again()` repeats it. */
export function choices(again) {
  const told = h("p", { role: "status" });
  const send = (danger) => async () => {
    try {
      await ask("/api/approvals", { body: { ...purpose.request(), danger } });
      if (danger) again();
      else told.textContent = t("approval_sent");
    } catch (problem) {
      told.textContent = problem.body?.what ?? t("unreachable");
    }
  };
  return h("div", { class: "case-actions" },
    h("button", { type: "button", onclick: send(false) }, t("ask_supervisor")),
    h("button", { type: "button", class: "danger", onclick: send(true) }, t("danger")), told);
}

/** The list for the cases' view; nothing where there are no accounts, or nobody asked. */
export async function nodes() {
  if (!who().accounts) return [];
  const found = await ask("/api/approvals").catch((problem) => problem);
  if (!found.approvals) return [h("p", { class: "fault", role: "alert" }, found.body?.what ?? t("unreachable"))];
  if (!found.approvals.length) return [];
  return [h("h3", {}, t("wide_searches")), h("ul", { class: "case-list" }, ...found.approvals.map(line))];
}

function line(one) {
  const state = one.granted === null ? (one.danger ? "to_review" : "waiting") : one.granted ? "granted" : "not_granted";
  const node = h("li", { class: "case-line" }, h("strong", {}, one.account), h("span", {}, one.case), h("span", {}, one.reason),
    h("span", { class: "hint" }, dayTime(one.asked_ms)), h("span", { class: `badge ${one.danger ? "bad" : "maybe"}` }, t(one.danger ? "danger_short" : "wide")), h("span", { class: "state" }, t(state)));
  const judge = (granted) => async () => {
    const told = await ask(`/api/approvals/${one.number}`, { method: "PATCH", body: { granted } }).catch((problem) => problem);
    node.querySelector(".state").textContent = told.number ? t(told.granted ? "granted" : "not_granted") : (told.body?.what ?? "");
  };
  if (one.granted === null && !one.mine && has("supervisor")) {
    node.append(h("button", { type: "button", class: "quiet", onclick: judge(true) }, t("grant")), h("button", { type: "button", class: "quiet", onclick: judge(false) }, t("refuse")));
  }
  return node;
}
