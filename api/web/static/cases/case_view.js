// The cases: a list, a new one, and one with what is known of the person, its sightings and the trail on a map.

import { busy, byId, h, say } from "../core/dom.js";
import { has } from "../core/session.js";
import { dayTime, t } from "../core/i18n.js";
import * as approvals from "./approvals.js";
import * as player from "../player/player.js";
import * as purpose from "./purpose.js";
import { ask, fetchFile } from "../core/http.js";

let shown = ""; // id of the case that is open; empty: the list
let current = null;
let visible = false;
let found = () => {};

/** `onFound(answer, words)` shows an answer in the search view. */
export function start(onFound) {
  found = onFound;
}

export function show(on, id) {
  visible = on;
  shown = id ?? "";
  if (on) load();
}

export const relabel = () => visible && load();

async function load() {
  const node = byId("case-body");
  try {
    node.replaceChildren(...(await busy(node, shown ? one() : all())));
  } catch (problem) {
    node.replaceChildren(...failure(problem), backLink());
  }
}

const failure = (problem) => [h("p", { class: "fault", role: "alert" }, problem.body?.what ?? t("unreachable"))];
const backLink = () => h("a", { href: "#cases", class: "back" }, t("all_cases"));

// the list -------------------------------------------------------------------------------------------------------

async function all() {
  const { cases } = await ask("/api/cases");
  const rows = cases.map((one) => h("li", {}, h("a", { class: "case-line", href: `#case-${one.id}` },
    h("strong", {}, one.name), h("span", { class: "hint" }, one.id),
    h("span", {}, one.sentences[0] ?? ""), h("span", { class: "hint" }, t("sightings_n", { n: one.sightings_count })),
    one.open ? null : h("span", { class: "badge nothing" }, t("closed")))));
  const none = cases.length ? null : h("p", { class: "panel" }, t("no_cases"));
  return [h("h2", { id: "cases-title" }, t("view_cases")), ...[none].filter(Boolean), h("ul", { class: "case-list" }, ...rows), newCase(), ...(await approvals.nodes())];
}

function newCase() {
  const fault = h("p", { class: "fault", role: "alert", hidden: "" });
  const name = h("input", { id: "new-name", maxlength: 200, required: "" });
  const sentence = h("textarea", { id: "new-sentence", rows: 2, maxlength: 500 });
  const place = h("input", { maxlength: 200, placeholder: t("place_hint") });
  const at = h("input", { type: "datetime-local" });
  const form = h("form", { class: "panel" }, h("h3", {}, t("new_case")),
    field("name", name), field("looks_like", sentence), field("last_place", place), field("last_time", at), fault,
    h("button", { class: "primary", type: "submit" }, t("open_case")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const seen = place.value.trim() && at.value ? { last_seen: { place: place.value.trim(), time: new Date(at.value).getTime() } } : {};
    try {
      const made = await ask("/api/cases", { body: { name: name.value, sentences: [sentence.value.trim()].filter(Boolean), ...seen } });
      await purpose.refresh(made.id);
      purpose.choose(made.id);
      location.hash = `case-${made.id}`;
    } catch (problem) {
      say(fault, [problem.body?.what, problem.body?.cure].filter(Boolean).join(" · ") || t("unreachable"));
    }
  });
  return form;
}

const field = (words, input) => h("label", { class: "field" }, h("span", {}, t(words)), input);

// one case -------------------------------------------------------------------------------------------------------

async function one() {
  current = await ask(`/api/cases/${shown}`);
  const trail = await ask(`/api/cases/${shown}/trail`);
  const people = await ask(`/api/cases/${shown}/people`).catch(() => null);
  return [backLink(), heading(), known(), actions(), sightings(trail), map(trail), notes(), people ? handOver(people) : null].filter(Boolean);
}

function heading() {
  return h("h2", { id: "cases-title", tabindex: -1 }, current.name, " ", h("span", { class: "hint" }, current.id),
    current.open ? "" : h("span", { class: "badge nothing" }, t("closed")));
}

function known() {
  const seen = current.last_seen;
  const where = seen ? [seen.place, seen.camera, seen.lat !== null ? `${seen.lat}, ${seen.lon}` : ""].filter(Boolean).join(" · ") : t("never_seen");
  const photos = current.photos.map((photo) => h("img", { class: "photo", src: photo.picture, alt: t("photo_of", { name: current.name }) }));
  const add = h("input", { type: "file", accept: "image/*" });
  add.addEventListener("change", async () => {
    const bytes = new Uint8Array(await add.files[0].arrayBuffer());
    await patch({ add_photos: [btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""))] });
  });
  return h("div", { class: "case-known" },
    h("dl", {}, h("dt", {}, t("looks_like")), ...current.sentences.map((text) => h("dd", {}, text)),
      h("dt", {}, t("last_seen")), h("dd", {}, where, seen ? `, ${dayTime(seen.time_ms)}` : "")),
    h("div", { class: "photos" }, ...photos, h("label", { class: "photo-button" }, add, h("span", {}, t("add_photo")))));
}

function actions() {
  const fault = h("p", { id: "case-fault", class: "fault", role: "alert", hidden: "" });
  const button = (words, act, primary) => h("button", { type: "button", class: primary ? "primary" : "quiet", onclick: act }, t(words));
  const search = button("search_case", () => run("search", {}), true);
  const follow = button("follow", () => run("follow", {}));
  follow.disabled = !current.sightings.length;
  const close = button(current.open ? "close_case" : "reopen_case", () => patch({ open: !current.open }));
  return h("div", {}, h("p", { class: "case-actions" }, ...(current.open ? [search, follow] : []), close), fault);
}

async function run(what, body) {
  const reason = purpose.reasonFor(current.id);
  if (reason === null) {
    say(byId("case-fault"), t("need_reason"));
    location.hash = "";
    return;
  }
  try {
    found(await busy(byId("case-body"), ask(`/api/cases/${current.id}/${what}`, { body: { ...body, ...(reason ? { reason } : {}) } })));
  } catch (problem) {
    if (problem.body?.error === "TooWide") found(problem);
    else say(byId("case-fault"), [problem.body?.what, problem.body?.cure].filter(Boolean).join(" · "));
  }
}

async function patch(body) {
  try {
    await ask(`/api/cases/${current.id}`, { method: "PATCH", body });
    await purpose.refresh();
    load();
  } catch (problem) {
    say(byId("case-fault"), [problem.body?.what, problem.body?.cure].filter(Boolean).join(" · "));
  }
}

const asClip = (sighting) => ({ ...sighting, id: sighting.clip, rank: sighting.number, verdict: "match", kind: "person", score: 0, source: sighting.source ?? "", start_source: "given" });

function sightings(trail) {
  const playable = current.sightings.filter((one) => one.clip_url).map(asClip);
  const impossible = new Set(trail.steps.filter((step) => step.possible === false).map((step) => step.to));
  const rows = current.sightings.map((one) => {
    const at = playable.findIndex((clip) => clip.number === one.number);
    const picture = h("button", { type: "button", class: "still", "aria-label": `${t("play")}: ${one.camera}`, onclick: () => at >= 0 && player.play(playable, at) },
      h("img", { src: one.thumbnail, alt: "", loading: "lazy" }));
    return h("li", {}, picture, h("div", {}, h("strong", {}, `${one.number}. ${one.camera}`), " ", h("time", {}, dayTime(one.time_ms)),
      impossible.has(one.number) ? h("p", { class: "fault" }, t("too_far")) : null, one.note ? h("p", {}, one.note) : null,
      h("p", { class: "case-actions" },
        h("button", { type: "button", class: "quiet", onclick: () => run("follow", { sighting: one.number }) }, t("follow_this")),
        h("button", { type: "button", class: "quiet", onclick: (event) => evidence(event.target, one.number) }, t("evidence")),
        h("button", { type: "button", class: "quiet", onclick: () => withdraw(one.number) }, t("withdraw")))));
  });
  const none = rows.length ? null : h("p", { class: "hint" }, t("no_sightings"));
  return h("section", {}, h("h3", {}, t("trail")), none, h("ol", { class: "sightings" }, ...rows));
}

async function withdraw(number) {
  await ask(`/api/cases/${current.id}/sightings/${number}`, { method: "DELETE" }).catch(() => null);
  load();
}

/** Fetch the signed files of a sighting; it takes seconds, as the recording is read and signed. */
async function evidence(button, number) {
  button.disabled = true;
  button.textContent = t("evidence_making");
  try {
    await fetchFile(`/api/cases/${current.id}/sightings/${number}/evidence`, {}, `evidence-${current.id}-${number}.zip`);
    button.textContent = t("evidence_done");
  } catch (problem) {
    button.textContent = t("evidence");
    say(byId("case-fault"), [problem.body?.what, problem.body?.cure].filter(Boolean).join(" · "));
  }
  button.disabled = false;
}

function map(trail) {
  if (!trail.stops.some((stop) => stop.lat !== null)) return h("p", { class: "hint" }, t("no_map"));
  return h("img", { class: "trail-map", src: `/api/cases/${current.id}/trail.svg?at=${current.sightings.length}-${Date.now()}`, alt: t("map_of", { n: trail.stops.length }) });
}

function notes() {
  const text = h("textarea", { rows: 3, maxlength: 10000 });
  text.value = current.note;
  return h("section", {}, h("label", { class: "field" }, h("span", {}, t("notes")), text),
    h("button", { type: "button", class: "quiet", onclick: () => patch({ note: text.value }) }, t("save")));
}

function handOver(people) {
  const name = h("input", { maxlength: 64, autocapitalize: "none" });
  const share = (hand_over) => async () => {
    try {
      await ask(`/api/cases/${current.id}/people`, { body: { account: name.value.trim(), hand_over } });
      load();
    } catch (problem) {
      say(byId("case-fault"), [problem.body?.what, problem.body?.expected].filter(Boolean).join(" · "));
    }
  };
  const owner = people.owner ?? t("nobody");
  const others = people.people.filter((one) => one !== people.owner);
  return h("section", {}, h("h3", {}, t("whose")), h("p", {}, t("owner_is", { name: owner }), others.length ? ` · ${t("also", { names: others.join(", ") })}` : ""),
    h("p", { class: "case-actions" }, h("label", { class: "field inline" }, h("span", {}, t("account")), name),
      h("button", { type: "button", class: "quiet", onclick: share(false) }, t("share")), h("button", { type: "button", class: "quiet", onclick: share(true) }, t("hand_over"))));
}

/** Confirm a clip of an answer as a sighting of the chosen case; what to tell the operator. */
export async function confirm(clip) {
  const id = purpose.chosen();
  if (!id || !has("operator", "supervisor")) return t("need_case");
  try {
    const made = await ask(`/api/cases/${id}/sightings`, { body: { clip: clip.id } });
    return t("is_sighting", { n: made.number, id });
  } catch (problem) {
    return problem.body?.what ?? t("unreachable");
  }
}
