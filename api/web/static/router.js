// The views of the page; which one is shown stands in the address.

import { byId } from "./core/dom.js";

const VIEWS = ["find", "cases", "alerts", "cameras", "record", "people"];
let allowed = VIEWS;
let listener = () => {};
let current = null;

/** The view in the address, and what of it is open: "#case-2026-0007" is that case. */
function wanted() {
  const hash = location.hash.slice(1);
  const [, thing] = /^case-([\d-]+)$/.exec(hash) ?? [];
  const view = thing ? "cases" : hash;
  return allowed.includes(view) ? [view, thing] : [allowed[0], undefined];
}

/** Show the view that the address names. */
export function read() {
  const [view, thing] = wanted();
  if (`${view} ${thing}` === current) return;
  current = `${view} ${thing}`;
  for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
  for (const button of document.querySelectorAll("[data-view]")) {
    if (button.dataset.view === view) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  listener(view, thing);
}

/** `onView(view, thing)` is told at every change, and once at the start by `read`; `views` are those that there are. */
export function start(views, onView) {
  allowed = views;
  listener = onView;
  current = null;
  for (const button of document.querySelectorAll("[data-view]")) button.hidden = !views.includes(button.dataset.view);
}

/** Hear what is chosen, from the first moment on. */
export function listen() {
  window.addEventListener("hashchange", read);
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => go(button.dataset.view));
  }
}

/** Show a view. */
export function go(view) {
  if (`${view} undefined` === current) return;
  history.pushState(null, "", `${location.pathname}${location.search}${view === "find" ? "" : `#${view}`}`);
  read();
}
