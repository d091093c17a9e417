// The views of the page, search, cameras and alerts; which one is shown stands in the address.

import { byId } from "./dom.js";

const VIEWS = ["find", "cameras", "alerts"];
let listener = () => {};
let current = null;

const wanted = () => (VIEWS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "find");

/** Show the view that the address names. */
export function read() {
  const view = wanted();
  if (view === current) return;
  current = view;
  for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
  for (const button of document.querySelectorAll("[data-view]")) {
    if (button.dataset.view === view) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  listener(view);
}

/** `onView(view)` is told at every change, and once at the start by `read`. */
export function start(onView) {
  listener = onView;
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => go(button.dataset.view));
  }
}

function go(view) {
  if (view === current) return;
  history.pushState(null, "", `${location.pathname}${location.search}${view === "find" ? "" : `#${view}`}`);
  read();
}
