// The view of cases: the list, or one case with what is known of the person, the sightings and the trail.

import { busy, byId, h, quiet, say } from "../core/dom.js";
import { fault, faultLine, field } from "../core/forms.js";
import { ask, base64, Problem, problemText } from "../core/http.js";
import { dayTime, list, t } from "../core/i18n.js";
import { caseList } from "./case_list.js";
import * as purpose from "./purpose.js";
import { LAST_SEEN, sightingList, trailMap } from "./sightings.js";

let caseId = ""; // of the case that is open; "": the list
/** @type {any} */
let current = null; // the case that is open
let visible = false;
/** @type {(result: any) => void} */
let showResult = () => {};

/** Show answers, and problems in their way, with `onResult`. @param {(result: any) => void} onResult */
export function start(onResult) {
  showResult = onResult;
}

/** @param {boolean} on @param {string} [id] of a case */
export function show(on, id = "") {
  visible = on;
  caseId = id;
  if (on) load();
}

export const relabel = () => visible && load();

async function load() {
  const body = byId("case-body");
  try {
    const nodes = await busy(body, caseId ? oneCase() : caseList());
    body.replaceChildren(...nodes.filter((node) => node !== null));
  } catch (problem) {
    body.replaceChildren(fault(problemText(problem)), backLink());
  }
}

const backLink = () => h("a", { href: "#cases", class: "back" }, t("all_cases"));
const fail = (problem) => say(byId("case-fault"), problemText(problem));

async function oneCase() {
  current = await ask(`/api/cases/${caseId}`);
  const trail = await ask(`/api/cases/${caseId}/trail`);
  const people = await ask(`/api/cases/${caseId}/people`).catch(() => null);
  const follow = (sighting) => search("follow", { sighting });
  return [
    backLink(),
    heading(),
    person(),
    buttons(),
    sightingList(current, trail, { follow, withdraw, fail }),
    trailMap(current, trail),
    notes(),
    people ? ownership(people) : null,
  ];
}

function heading() {
  const closed = current.open ? "" : h("span", { class: "badge nothing" }, t("closed"));
  const id = h("span", { class: "hint" }, current.id);
  return h("h2", { id: "cases-title", tabindex: -1 }, current.name, " ", id, closed);
}

/** Return what is known of the person. */
function person() {
  const alt = t("photo_of", { name: current.name });
  const photos = current.photos.map((photo) => h("img", { class: "photo", src: photo.image, alt }));
  return h(
    "div",
    { class: "case-known" },
    h(
      "dl",
      {},
      h("dt", {}, t("looks_like")),
      ...current.queries.map((text) => h("dd", {}, text)),
      h("dt", {}, t("last_seen")),
      h("dd", {}, lastSeen()),
    ),
    h("div", { class: "photos" }, ...photos, photoInput()),
  );
}

function lastSeen() {
  const seen = current.last_seen;
  if (!seen) return t("never_seen");
  const degrees = seen.lat === null ? "" : `${seen.lat}, ${seen.lon}`;
  const where = [seen.place, seen.camera, degrees].filter(Boolean).join(" · ");
  return `${LAST_SEEN} ${where}, ${dayTime(seen.time_ms)}`;
}

function photoInput() {
  const input = h("input", { type: "file", accept: "image/*" });
  input.addEventListener("change", async () => {
    const file = input.files?.[0];
    if (file) change({ add_photos: [{ data: await base64(file) }] });
  });
  return h("label", { class: "photo-button" }, input, h("span", {}, t("add_photo")));
}

function buttons() {
  const searchCase = h(
    "button",
    { type: "button", class: "primary", onclick: () => search("search") },
    t("search_case"),
  );
  const follow = quiet(t("follow"), () => search("follow"));
  follow.disabled = !current.sightings.length;
  const close = quiet(t(current.open ? "close_case" : "reopen_case"), () => change({ open: !current.open }));
  const actions = current.open ? [searchCase, follow, close] : [close];
  return h("div", {}, h("p", { class: "case-actions" }, ...actions), faultLine("case-fault"));
}

/** Search for the person, or follow a sighting (without a number: the last one). @param {"search" | "follow"} action */
async function search(action, body = {}) {
  const reason = purpose.reasonFor(current.id);
  if (reason === null) {
    say(byId("case-fault"), t("need_reason"));
    location.hash = "";
    return;
  }
  try {
    const request = ask(`/api/cases/${current.id}/${action}`, { body: reason ? { ...body, reason } : body });
    showResult(await busy(byId("case-body"), request));
  } catch (problem) {
    if (problem instanceof Problem && problem.body.error === "TooWide") showResult(problem);
    else fail(problem);
  }
}

async function change(body) {
  try {
    await ask(`/api/cases/${current.id}`, { method: "PATCH", body });
    await purpose.refresh();
    load();
  } catch (problem) {
    fail(problem);
  }
}

async function withdraw(number) {
  try {
    await ask(`/api/cases/${current.id}/sightings/${number}`, { method: "DELETE" });
    load();
  } catch (problem) {
    fail(problem);
  }
}

function notes() {
  const input = h("textarea", { rows: 3, maxlength: 10000 });
  input.value = current.note;
  return h(
    "section",
    {},
    field("notes", input),
    quiet(t("save"), () => change({ note: input.value })),
  );
}

/** Return who has the case, and the form that shares it or hands it over. */
function ownership(people) {
  const name = h("input", { maxlength: 64, autocapitalize: "none" });
  const others = people.people.filter((account) => account !== people.owner);
  const owner = t("owner_is", { name: people.owner ?? t("nobody") });
  const line = others.length ? `${owner} · ${t("also", { names: list(others) })}` : owner;
  return h(
    "section",
    {},
    h("h3", {}, t("whose")),
    h("p", {}, line),
    h(
      "p",
      { class: "case-actions" },
      field("account", name, "inline"),
      quiet(t("share"), () => share(name, false)),
      quiet(t("hand_over"), () => share(name, true)),
    ),
  );
}

async function share(name, handOver) {
  try {
    await ask(`/api/cases/${current.id}/people`, { body: { account: name.value.trim(), hand_over: handOver } });
    load();
  } catch (problem) {
    fail(problem);
  }
}
