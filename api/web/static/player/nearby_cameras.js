// The same time on the cameras around: who leaves one camera's view walks into another's.

import { toClip } from "../core/clip.js";
import { button, byId, h } from "../core/dom.js";
import { fault } from "../core/forms.js";
import { ask, problemText } from "../core/http.js";
import { t } from "../core/i18n.js";
import { caseOf } from "./box_track.js";

/** @typedef {import("../core/clip.js").Clip} Clip */

/** @type {Clip | null} */
let offered = null; // the clip whose neighbours are shown or being loaded

/** Offer the cameras around `clip`; `play` gets a clip of one of them, or `clip` again. */
export async function offer(/** @type {Clip} */ clip, /** @type {(clip: Clip) => void} */ play) {
  if (clip === offered) return;
  clear();
  offered = clip;
  const params = new URLSearchParams({ time_ms: String(clip.time_ms) });
  const caseId = caseOf(clip);
  if (caseId) params.set("case", caseId);
  try {
    const { cameras } = await ask(`/api/cameras/${encodeURIComponent(clip.camera)}/near?${params}`);
    if (clip === offered && cameras.length) draw(clip, cameras, play);
  } catch (problem) {
    if (clip === offered) byId("around").append(fault(problemText(problem)));
  }
}

export function clear() {
  offered = null;
  byId("around").replaceChildren();
}

function draw(clip, cameras, play) {
  const own = choice(clip.camera, clip, play);
  own.setAttribute("aria-pressed", "true");
  const others = cameras.map((near) => {
    const words = `${near.name || near.camera} · ${near.metres} m`;
    return choice(words, near.clip_url ? clipBeside(clip, near) : null, play);
  });
  byId("around").replaceChildren(h("span", { class: "hint" }, t("around")), own, ...others);
}

function choice(words, clip, play) {
  const without = clip ? {} : { disabled: "", title: t("not_recorded_then") };
  const node = button({ "aria-pressed": "false", onclick: () => choose(node, () => play(clip)), ...without }, words);
  return node;
}

function choose(chosen, play) {
  for (const node of byId("around").querySelectorAll("button"))
    node.setAttribute("aria-pressed", String(node === chosen));
  play();
}

/** Return what a camera around recorded at the time of `clip`. */
const clipBeside = ({ time, time_ms }, near) =>
  toClip(near, { kind: "frame", time, time_ms, beside: near.metres, frame_width: 16, frame_height: 9 });
