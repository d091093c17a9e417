// Where the person is in the picture at each moment of a clip: between two moments that were looked at, in between.

import { ask } from "../core/http.js";

const HOLD_MS = 350; // a box is still true so long before and after
const WALK_MS = 4500; // over a longer stretch without a box nobody knows where they were

/** Boxes of a clip's tracks in order of time, [Unix ms, x1, y1, x2, y2] each; empty where none are kept. */
export async function boxesOf(clip) {
  const rows = clip.tracks ?? (clip.kind === "frame" ? [] : [clip.id]);
  if (!rows.length) return [];
  const params = new URLSearchParams(rows.map((row) => ["of", row]));
  const from = caseOf(clip);
  if (from) params.set("case", from);
  return (await ask(`/api/tracks?${params}`)).boxes;
}

/** The case that a clip was found for, which its address names. */
export const caseOf = (clip) => new URL(clip.clip_url, location.href).searchParams.get("case");

/** The box at a moment (Unix ms), or null. */
export function boxAt(boxes, ms) {
  const after = boxes.findIndex(([time]) => time >= ms);
  const next = boxes[after];
  const last = boxes[after < 0 ? boxes.length - 1 : after - 1];
  if (last && next && next[0] - last[0] <= WALK_MS) return between(last, next, (ms - last[0]) / (next[0] - last[0]));
  const near = [last, next].filter(Boolean).find(([time]) => Math.abs(time - ms) <= HOLD_MS);
  return near ? near.slice(1) : null;
}

const between = (last, next, share) => last.slice(1).map((value, n) => value + (next[n + 1] - value) * share);
