// The views of the page; the address names the visible one.

import { byId } from "./core/dom.js";

const VIEWS = ["find", "cases", "alerts", "cameras", "record", "people"];
let allowed = VIEWS;
/** @type {(view: string, caseId?: string) => void} */
let listener = () => {};
let current = ""; // view and case that are visible

/**
 * Return the view that the address names, and the case: "#case-2026-0007" is that case.
 * @returns {[string, string | undefined]}
 */
function named() {
  const hash = location.hash.slice(1);
  const [, caseId] = /^case-([\d-]+)$/.exec(hash) ?? [];
  const view = caseId ? "cases" : hash;
  return allowed.includes(view) ? [view, caseId] : [allowed[0], undefined];
}

/** @returns {HTMLElement[]} */
const buttons = () => [...document.querySelectorAll("[data-view]")].map((node) => /** @type {any} */ (node));

/** Show the view that the address names. */
export function read() {
  const [view, caseId] = named();
  if (`${view} ${caseId}` === current) return;
  current = `${view} ${caseId}`;
  for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
  for (const button of buttons()) {
    if (button.dataset.view === view) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  listener(view, caseId);
}

/**
 * Allow these views; call `onView` at every change, and once at the start by `read`.
 * @param {string[]} views
 * @param {(view: string, caseId?: string) => void} onView
 */
export function start(views, onView) {
  allowed = views;
  listener = onView;
  current = "";
  for (const button of buttons()) button.hidden = !views.includes(button.dataset.view ?? "");
}

/** Follow the address and the tabs. */
export function listen() {
  window.addEventListener("hashchange", read);
  for (const button of buttons()) button.addEventListener("click", () => go(button.dataset.view ?? ""));
}

/** Show a view. */
function go(view) {
  if (`${view} undefined` === current) return;
  history.pushState(null, "", `${location.pathname}${location.search}${view === "find" ? "" : `#${view}`}`);
  read();
}
