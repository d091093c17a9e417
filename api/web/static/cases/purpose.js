// For which case and why one searches. Kept for this tab, so that it is said once and not with every search.

import { byId, h, say } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { ask } from "../core/http.js";

const KEY = "xunren.purpose";
let required = false;
let cases = [];

export const chosen = () => byId("case").value;
const reason = () => byId("reason").value.trim();

/** What the request says of it. */
export const request = () => (chosen() ? { case: chosen(), reason: reason() } : {});

export async function start(me) {
  required = me.require_case && !me.unknown;
  const kept = remembered();
  byId("reason").value = kept.reason ?? "";
  await refresh(kept.case);
  for (const id of ["case", "reason"]) byId(id).addEventListener("input", () => (remember(), say(byId("purpose-fault"), "")));
}

/** Read the open cases anew; `wanted` is chosen if it is among them. */
export async function refresh(wanted = chosen()) {
  const found = await ask("/api/cases").catch(() => ({ cases: [] }));
  cases = found.cases.filter((one) => one.open);
  draw(wanted);
}

export function choose(id) {
  draw(id);
  remember();
}

function draw(wanted) {
  const none = h("option", { value: "" }, t(cases.length ? "choose_case" : "no_case"));
  byId("case").replaceChildren(none, ...cases.map((one) => h("option", { value: one.id }, `${one.id} ${one.name}`)));
  if (cases.some((one) => one.id === wanted)) byId("case").value = wanted;
  byId("purpose").hidden = !required && !cases.length;
}

export const relabel = () => draw(chosen());

/** Whether a search may be sent; says what is missing. */
export function valid() {
  const missing = required && (!chosen() ? "case" : reason().length < 3 ? "reason" : "");
  say(byId("purpose-fault"), missing ? t(missing === "case" ? "need_case" : "need_reason") : "");
  if (missing) byId(missing).focus();
  return !missing;
}

/** The reason, or null after saying that it is missing. */
export function reasonFor(id) {
  choose(id);
  return valid() ? reason() : null;
}

function remember() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ case: chosen(), reason: reason() }));
  } catch {
    // storage is switched off: it is said again after the page is loaded again
  }
}

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}
