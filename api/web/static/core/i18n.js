// The words of the page in the language that a person chose, and numbers and times as they are written in it.
// A language is one file in locales/ and one line in LOCALES.

import { button, byId } from "./dom.js";
import en from "../locales/en.js";
import zh from "../locales/zh.js";

/** @typedef {typeof en} Locale */
/** @typedef {keyof Locale["words"]} Key a word of the page */
/** @typedef {Record<string, string | number>} Values */

/** @type {Record<string, Locale>} */
export const LOCALES = { zh, en };
const FALLBACK = "en";
const KEY = "xunren.language";

/** @type {(() => void)[]} */
const listeners = [];
let current = remembered() ?? ofBrowser();

function remembered() {
  try {
    const stored = localStorage.getItem(KEY) ?? "";
    return stored in LOCALES ? stored : null;
  } catch {
    return null; // storage is switched off: the browser's language it is
  }
}

function ofBrowser() {
  const code = navigator.language.toLowerCase().split("-")[0];
  return code in LOCALES ? code : FALLBACK;
}

export const locale = () => LOCALES[current];

/**
 * Call `listener` after each change of the language.
 * @param {() => void} listener
 */
export const onLanguage = (listener) => listeners.push(listener);

/**
 * Return the words for `key`, with {names} filled in.
 * @param {Key} key
 * @param {Values} values
 */
export function t(key, values = {}) {
  return locale().words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/**
 * Return the entry `name` of a table of the locale; `otherwise` where the page does not know the name.
 * @template T
 * @param {Record<string, string>} table
 * @param {string} name
 * @param {T} otherwise
 */
const known = (table, name, otherwise) => (Object.hasOwn(table, name) ? table[name] : otherwise);

/** Word a state or a reason of the server; an unknown one stays as it is. @param {string} name */
export const stateWords = (name) => known(locale().states, name, name);

/** Say why a rule refuses a sentence; undefined for an unknown rule. @param {string} rule */
export const ruleWords = (rule) => known(locale().rules, rule, undefined);

/** Say where the time of a recording comes from. @param {string} source */
export const clockWords = (source) => known(locale().clocks, source, source);

/** Word an action of the audit log; commands stand there as they were typed. @param {string} action */
export const actionWords = (action) => known(locale().actions, action, action);

/** Join words of a list as the language does. @param {string[]} words */
export const list = (words) => words.join(t("word_comma"));

/** A length of time in few words, such as 8 s, 12 min, 3 h 5 min. */
export function length(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return unit(seconds < 9.95 ? Math.round(seconds * 10) / 10 : whole, "second");
  if (whole < 600 && whole % 60) return `${unit(Math.floor(whole / 60), "minute")} ${unit(whole % 60, "second")}`;
  if (whole < 3600) return unit(Math.round(whole / 60), "minute");
  const minutes = Math.round(whole / 60);
  return minutes % 60
    ? `${unit(Math.floor(minutes / 60), "hour")} ${unit(minutes % 60, "minute")}`
    : unit(minutes / 60, "hour");
}

const unit = (n, name) =>
  new Intl.NumberFormat(locale().format, { style: "unit", unit: name, unitDisplay: "short" }).format(n);

/** `key` for many, `one` for a single one. */
export const count = (n, key, one) => (n === 1 ? t(one) : t(key, { n: number(n) }));

export const number = (n) => new Intl.NumberFormat(locale().format).format(n);
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

const SHORT_MS = 600_000;
const DAY = { month: "short", day: "numeric" };
const MINUTE = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const SECOND = { ...MINUTE, second: "2-digit" };
const format = (ms, options) => new Intl.DateTimeFormat(locale().format, options).format(ms);
const year = (ms) => (new Date(ms).getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" });

export const clockTime = (ms) => format(ms, SECOND);
export const dayTime = (ms) => `${format(ms, { ...DAY, ...year(ms) })} ${format(ms, SECOND)}`;
export const dayMinute = (ms) => `${format(ms, { ...DAY, ...year(ms) })} ${format(ms, MINUTE)}`;

/** A span in few words: seconds only where it is short, the day of its end only where it is another day. */
export function span(from, to) {
  const [whole, clock] = to - from < SHORT_MS ? [dayTime, SECOND] : [dayMinute, MINUTE];
  const sameDay = new Date(from).toDateString() === new Date(to).toDateString();
  return `${whole(from)} – ${sameDay ? format(to, clock) : whole(to)}`;
}

/** The same without the day, where the page says the day elsewhere. */
export function clockSpan(from, to) {
  const clock = to - from < SHORT_MS ? SECOND : MINUTE;
  return `${format(from, clock)} – ${format(to, clock)}`;
}

/** Show the page in another language. @param {string} next */
function setLanguage(next) {
  current = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // not remembered, but switched
  }
  apply();
  listeners.forEach((listener) => listener());
}

/** Draw a button for each language. */
export function drawLanguages() {
  const buttons = Object.entries(LOCALES).map(([code, { lang, name }]) =>
    button({ "data-language": code, lang, onclick: () => setLanguage(code) }, name),
  );
  byId("languages").replaceChildren(...buttons);
}

/** Put the words onto every node that is marked with data-t, data-t-label or data-t-placeholder. */
export function apply() {
  document.documentElement.lang = locale().lang;
  for (const { node, words } of markedNodes("t")) node.textContent = words;
  for (const { node, words } of markedNodes("tLabel")) node.setAttribute("aria-label", words);
  for (const { node, words } of markedNodes("tPlaceholder")) node.setAttribute("placeholder", words);
  for (const node of byId("languages").children) {
    node.setAttribute("aria-pressed", String(node.getAttribute("data-language") === current));
  }
}

/** Return the nodes that are marked so, with their words. @param {"t" | "tLabel" | "tPlaceholder"} name */
function markedNodes(name) {
  const attribute = { t: "data-t", tLabel: "data-t-label", tPlaceholder: "data-t-placeholder" }[name];
  const nodes = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(`[${attribute}]`));
  return [...nodes].map((node) => ({ node, words: t(/** @type {Key} */ (node.dataset[name])) }));
}
