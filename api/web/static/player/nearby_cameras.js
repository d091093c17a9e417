// The same time on the cameras around: who leaves one picture walks into another.

import { byId, h } from "../core/dom.js";
import { caseOf } from "./box_track.js";
import { t } from "../core/i18n.js";
import { ask } from "../core/http.js";

let asked = null; // the clip whose neighbours are shown or on their way

/** Offer the cameras around `clip`; `go(clip)` plays one of theirs, or `clip` itself again. */
export async function offer(clip, go) {
  if (clip === asked) return;
  clear();
  asked = clip;
  const params = new URLSearchParams({ time_ms: clip.time_ms });
  if (caseOf(clip)) params.set("case", caseOf(clip));
  const found = await ask(`/api/cameras/${encodeURIComponent(clip.camera)}/near?${params}`).catch((problem) => problem);
  if (clip !== asked) return;
  if (!found.cameras) byId("around").append(h("p", { class: "fault" }, found.body?.what ?? t("unreachable")));
  else if (found.cameras.length) draw(clip, found.cameras, go);
}

export function clear() {
  asked = null;
  byId("around").replaceChildren();
}

function draw(clip, cameras, go) {
  const choices = [[clip, clip.camera], ...cameras.map((near) => [aside(clip, near), `${near.name || near.camera} · ${near.metres} m`])];
  const buttons = choices.map(([other, words]) => h("button", { type: "button", disabled: other ? null : "", title: other ? null : t("not_recorded_then"),
    "aria-pressed": String(other === clip), onclick: (event) => choose(event.target, () => go(other)) }, words));
  byId("around").replaceChildren(h("span", { class: "hint" }, t("around")), ...buttons);
}

function choose(button, go) {
  for (const other of byId("around").querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
  go();
}

/** What another camera showed at the time of `clip`, as a clip that no search has found; null if nothing. */
function aside(clip, near) {
  if (!near.clip_url) return null;
  return { ...near, time_ms: clip.time_ms, time: clip.time, kind: "frame", beside: near.metres, frame_width: 16, frame_height: 9, thumbnail: "" };
}
