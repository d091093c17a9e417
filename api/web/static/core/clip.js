// A clip: what a tile shows and the player plays. Hits, sightings, alerts and the cameras around all become one.

import { s } from "./dom.js";

/** @typedef {"match" | "maybe" | "nothing"} Verdict */

/**
 * @typedef {object} Clip
 * @property {string} id of its row in the index
 * @property {string} camera
 * @property {"person" | "frame"} kind whether `box` shows a person, or the whole frame was searched
 * @property {number} time_ms of the best moment, Unix ms
 * @property {string} time the same, ISO 8601
 * @property {number} start_ms
 * @property {number} end_ms
 * @property {[number, number, number, number]} box x1, y1, x2, y2 in pixels of the frame
 * @property {number} frame_width
 * @property {number} frame_height
 * @property {string} thumbnail address of the frame at the best moment; "": none
 * @property {string} clip_url address of the video
 * @property {string[]} [tracks] rows whose boxes follow the person
 * @property {number | null} rank place in its list, from 1
 * @property {Verdict | null} verdict null: no search judged it
 * @property {number | null} score null: no search measured it
 * @property {string | null} path of the recording
 * @property {string | null} start_source where the recording's time comes from
 * @property {number | null} [beside] metres to the camera that was asked about, for one of the cameras around
 */

/**
 * Return a clip of something that shows a moment: a sighting, an alert, the recording of a camera around.
 * @param {any} moment
 * @param {Partial<Clip>} [more] what the moment does not say itself
 * @returns {Clip}
 */
export function toClip(moment, more = {}) {
  const unknown = { kind: "person", rank: null, verdict: null, score: null, start_source: null, beside: null };
  const { clip: id = "", path = null, thumbnail } = moment;
  return { ...unknown, ...moment, id, path, thumbnail: thumbnail ?? "", verdict: null, ...more };
}

/**
 * Return the rectangle of the person for a drawing of the frame's own size.
 * @param {Pick<Clip, "kind" | "box">} clip
 */
export function boxNodes({ kind, box }) {
  if (kind === "frame") return [];
  const [x1, y1, x2, y2] = box;
  const place = { x: x1, y: y1, width: x2 - x1, height: y2 - y1, rx: 2 };
  return [s("rect", { class: "halo", ...place }), s("rect", { class: "box", ...place })];
}
