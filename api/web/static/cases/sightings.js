// The sightings of a case in order of time, their trail on a map, and the confirmation of a clip as a sighting.

import { toClip } from "../core/clip.js";
import { button, h, quiet } from "../core/dom.js";
import { ask, fetchFile, problemText } from "../core/http.js";
import { dayTime, t } from "../core/i18n.js";
import { has } from "../core/session.js";
import * as player from "../player/player.js";
import * as purpose from "./purpose.js";

/** Sign of the place where the person was last seen, on the map and in the case. */
export const LAST_SEEN = "★";

/**
 * @typedef {object} Actions
 * @property {(number: number) => void} follow
 * @property {(number: number) => void} withdraw
 * @property {(problem: unknown) => void} fail shows a problem
 */

/**
 * Confirm a clip of an answer as a sighting of the chosen case; return what to tell the operator.
 * @param {import("../core/clip.js").Clip} clip
 */
export async function confirm(clip) {
  const id = purpose.chosen();
  if (!id || !has("operator", "supervisor")) return t("need_case");
  try {
    await ask(`/api/cases/${id}/sightings`, { body: { clip: clip.id } });
    return t("is_sighting", { id });
  } catch (problem) {
    return problemText(problem);
  }
}

/** Return the sightings of a case in order of time; their place in it is their number on the page. */
export function inOrderOfTime(sightings, trail) {
  const order = trail.stops.map((stop) => stop.sighting);
  return [...sightings].sort((a, b) => order.indexOf(a.number) - order.indexOf(b.number));
}

/** @param {any} case_ @param {any} trail @param {Actions} actions */
export function sightingList(case_, trail, actions) {
  const sightings = inOrderOfTime(case_.sightings, trail);
  const playable = sightings.filter((sighting) => sighting.clip_url);
  const clips = playable.map((sighting) => toClip(sighting, { rank: sightings.indexOf(sighting) + 1 }));
  const tooFar = new Set(trail.steps.filter((step) => step.possible === false).map((step) => step.to_sighting));
  const rows = sightings.map((sighting, n) => {
    const at = playable.indexOf(sighting);
    const play = () => at >= 0 && player.play(clips, at);
    const doubt = tooFar.has(sighting.number) ? h("p", { class: "fault" }, t("too_far")) : null;
    return h("li", {}, still(sighting, play), caption(case_, sighting, n + 1, doubt, actions));
  });
  const none = rows.length ? null : h("p", { class: "hint" }, t("no_sightings"));
  return h("section", {}, h("h3", {}, t("trail")), none, h("ol", { class: "sightings" }, ...rows));
}

function still({ camera, thumbnail }, play) {
  const image = h("img", { src: thumbnail, alt: "", loading: "lazy" });
  return button({ class: "still", "aria-label": `${t("play")}: ${camera}`, onclick: play }, image);
}

function caption(case_, sighting, rank, doubt, actions) {
  const { camera, time_ms: time, note, number } = sighting;
  const evidence = quiet(t("evidence"), () => saveEvidence(case_, sighting, rank, evidence, actions.fail));
  return h(
    "div",
    {},
    h("strong", {}, `${rank}. ${camera}`),
    " ",
    h("time", {}, dayTime(time)),
    doubt,
    note ? h("p", {}, note) : null,
    h(
      "p",
      { class: "case-actions" },
      quiet(t("follow_this"), () => actions.follow(number)),
      evidence,
      quiet(t("withdraw"), () => actions.withdraw(number)),
    ),
  );
}

/** Save the signed files of a sighting; it takes seconds, as the recording is read and signed. */
async function saveEvidence(case_, { number, camera }, rank, node, fail) {
  node.disabled = true;
  node.textContent = t("evidence_making");
  try {
    const name = `evidence-${case_.id}-${rank}-${camera}.zip`;
    await fetchFile(`/api/cases/${case_.id}/sightings/${number}/evidence`, {}, name);
    node.textContent = t("evidence_done");
  } catch (problem) {
    node.textContent = t("evidence");
    fail(problem);
  }
  node.disabled = false;
}

/** Return the trail on a map, with the words that the map needs. */
export function trailMap(case_, trail) {
  const placed = trail.stops.filter((stop) => stop.lat !== null);
  if (!placed.length) return h("p", { class: "hint" }, t("no_map"));
  const src = `/api/cases/${case_.id}/trail.svg?words=false&at=${case_.sightings.length}-${Date.now()}`;
  const image = h("img", { class: "trail-map", src, alt: t("map_of", { n: placed.length }) });
  return h("figure", { class: "trail" }, image, h("figcaption", { class: "hint" }, mapWords(trail)));
}

function mapWords(trail) {
  const words = [
    trail.stops.some((stop) => stop.sighting === null) ? `${LAST_SEEN} ${t("last_seen")}` : "",
    t("map_numbers"),
    trail.steps.some((step) => step.possible === false) ? t("map_impossible") : "",
    trail.stops.some((stop) => stop.lat === null) ? t("map_missing") : "",
  ];
  return words.filter(Boolean).join(" · ");
}
