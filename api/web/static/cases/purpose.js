// The purpose of a search: the case and the reason. Kept for this tab, so that it is typed once.

import { byId, h, say } from "../core/dom.js";
import { ask } from "../core/http.js";
import { t } from "../core/i18n.js";

const KEY = "xunren.purpose";
const LEAST_CHARACTERS = 3; // of a reason
let required = false;
let openCases = [];

/** Return the id of the chosen case; "": none. */
export const chosen = () => byId("case").value;
const reason = () => byId("reason").value.trim();

/** Return the fields of a request. */
export const request = () => (chosen() ? { case: chosen(), reason: reason() } : {});

/** @param {import("../core/session.js").Me} me */
export async function start(me) {
  required = Boolean(me.require_case) && !me.unknown;
  const kept = recall();
  byId("reason").value = kept.reason ?? "";
  await refresh(kept.case);
  for (const node of [byId("case"), byId("reason")]) node.addEventListener("input", onInput);
}

function onInput() {
  remember();
  say(byId("purpose-fault"), "");
}

/** Load the open cases and choose one of them. @param {string} id */
export async function refresh(id = chosen()) {
  const answer = await ask("/api/cases").catch(() => ({ cases: [] }));
  openCases = answer.cases.filter((one) => one.open);
  draw(id);
}

/** @param {string} id of an open case */
export function choose(id) {
  draw(id);
  remember();
}

function draw(id) {
  const none = h("option", { value: "" }, t(openCases.length ? "choose_case" : "no_case"));
  const options = openCases.map((one) => h("option", { value: one.id }, `${one.id} ${one.name}`));
  byId("case").replaceChildren(none, ...options);
  if (openCases.some((one) => one.id === id)) byId("case").value = id;
  byId("purpose").hidden = !required && !openCases.length;
}

export const relabel = () => draw(chosen());

/** Say whether a search may be sent, and show what is missing. */
export function valid() {
  const missing = required ? missingField() : null;
  say(byId("purpose-fault"), missing ? t(missing === "case" ? "need_case" : "need_reason") : "");
  if (missing) byId(missing).focus();
  return !missing;
}

function missingField() {
  if (!chosen()) return "case";
  return reason().length < LEAST_CHARACTERS ? "reason" : null;
}

/** Choose a case and return the reason; null where it is missing. @param {string} id */
export function reasonFor(id) {
  choose(id);
  return valid() ? reason() : null;
}

function remember() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ case: chosen(), reason: reason() }));
  } catch {
    // storage is switched off: the purpose is typed again after the page is loaded again
  }
}

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}
