// Where the person is in the frame at each moment of a clip; between two samples the box moves evenly.

import { ask } from "../core/http.js";

/** @typedef {import("../core/clip.js").Clip} Clip */
/** @typedef {[number, number, number, number, number]} Sample Unix ms, x1, y1, x2, y2 in pixels of the clip's frame */

const HOLD_MS = 350; // a box holds for this long before and after its sample
const WALK_MS = 4500; // over a longer stretch without a sample the place is unknown

/**
 * Return the samples of a clip's tracks in order of time; empty where none are kept.
 * @param {Clip} clip
 * @returns {Promise<Sample[]>}
 */
export async function boxesOf(clip) {
  const rows = clip.tracks ?? (clip.kind === "frame" ? [] : [clip.id]);
  if (!rows.length) return [];
  const params = new URLSearchParams(rows.map((row) => ["tracks", row]));
  const caseId = caseOf(clip);
  if (caseId) params.set("case", caseId);
  return (await ask(`/api/tracks?${params}`)).boxes;
}

/** Return the case that a clip was found for; its address names it. @param {Clip} clip */
export const caseOf = (clip) => new URL(clip.clip_url, location.href).searchParams.get("case");

/** Return the box at a moment; null where it is unknown. @param {Sample[]} boxes @param {number} ms Unix ms */
export function boxAt(boxes, ms) {
  const after = boxes.findIndex(([time]) => time >= ms);
  const next = after < 0 ? undefined : boxes[after];
  const last = boxes[after < 0 ? boxes.length - 1 : after - 1];
  if (last && next && next[0] - last[0] <= WALK_MS) return between(last, next, (ms - last[0]) / (next[0] - last[0]));
  const near = [last, next].find((sample) => sample && Math.abs(sample[0] - ms) <= HOLD_MS);
  return near ? near.slice(1) : null;
}

const between = (last, next, share) => last.slice(1).map((value, n) => value + (next[n + 1] - value) * share);
