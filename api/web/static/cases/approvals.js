// Approval of wide searches: an operator asks or declares danger to life, a supervisor decides.

import { button, h, quiet } from "../core/dom.js";
import { fault } from "../core/forms.js";
import { ask, problemText } from "../core/http.js";
import { dayTime, t } from "../core/i18n.js";
import { has, who } from "../core/session.js";
import * as purpose from "./purpose.js";

/** Return what can be done about a search that is too wide. @param {() => void} again repeats it */
export function choices(again) {
  const note = h("p", { role: "status" });
  const send = (danger) => async () => {
    try {
      await ask("/api/approvals", { body: { ...purpose.request(), danger } });
      if (danger) again();
      else note.textContent = t("approval_sent");
    } catch (problem) {
      note.textContent = problemText(problem);
    }
  };
  const urgent = button({ class: "danger", onclick: send(true) }, t("danger"));
  return h("div", { class: "case-actions" }, button({ onclick: send(false) }, t("ask_supervisor")), urgent, note);
}

/** Return the list of requests; nothing where there are no accounts or no requests. */
export async function requests() {
  if (!who().accounts_enabled) return [];
  try {
    const { approvals } = await ask("/api/approvals");
    if (!approvals.length) return [];
    return [h("h3", {}, t("wide_searches")), h("ul", { class: "case-list" }, ...approvals.map(line))];
  } catch (problem) {
    return [fault(problemText(problem))];
  }
}

function stateOf({ granted, danger }) {
  if (granted === null) return t(danger ? "to_review" : "waiting");
  return t(granted ? "granted" : "not_granted");
}

function line(request) {
  const { account, case: caseId, reason, danger, created_ms: asked } = request;
  const state = h("span", { class: "state" }, stateOf(request));
  const kind = h("span", { class: `badge ${danger ? "bad" : "maybe"}` }, t(danger ? "danger_short" : "wide"));
  const facts = [h("strong", {}, account), h("span", {}, caseId), h("span", {}, reason)];
  const time = h("span", { class: "hint" }, dayTime(asked));
  return h("li", { class: "case-line" }, ...facts, time, kind, state, ...decisions(request, state));
}

/** Return the buttons with which a supervisor decides. */
function decisions(request, state) {
  if (request.granted !== null || request.mine || !has("supervisor")) return [];
  const decide = (granted) => async () => {
    const options = { method: "PATCH", body: { granted } };
    try {
      state.textContent = stateOf(await ask(`/api/approvals/${request.number}`, options));
    } catch (problem) {
      state.textContent = problemText(problem);
    }
  };
  return [quiet(t("grant"), decide(true)), quiet(t("refuse"), decide(false))];
}
