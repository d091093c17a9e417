// The parts of a form: a labelled field, a tick, and the line that says what is wrong.

import { h } from "./dom.js";
import { t } from "./i18n.js";

/** @typedef {import("./i18n.js").Key} Key */

/** Label an input. @param {Key} words @param {HTMLElement} input @param {string} [kind] further classes */
export const field = (words, input, kind = "") =>
  h("label", { class: `field ${kind}`.trim() }, h("span", {}, t(words)), input);

/** Make a tick with its words behind it. @param {HTMLElement} input @param {string} words */
export const tick = (input, words) => h("label", { class: "tick" }, input, words);

/** Make the empty line for a fault; `say` fills it. @param {string | null} [id] */
export const faultLine = (id = null) => h("p", { id, class: "fault", role: "alert", hidden: "" });

/** Make a line that says what is wrong. @param {string} text */
export const fault = (text) => h("p", { class: "fault", role: "alert" }, text);

/** Call `act` when the form is sent; the page stays. @param {HTMLFormElement} form @param {() => void} act */
export function onSubmit(form, act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
}
