// Alerts of the standing searches, newest first: look, play, say whether it is right. Their number stands in the tab.

import { byId, change, h } from "./core/dom.js";
import { number, t } from "./core/i18n.js";
import * as player from "./player/player.js";
import { tile } from "./search/results.js";
import { ask } from "./core/http.js";

const AGAIN_MS = 5000; // after the server refused or ended
const MOST = 60;
let alerts = [];
let drawn = "";
let shown = false;

/** Hear of changes for ever; the list is drawn only while somebody looks. */
export function start() {
  const events = new EventSource("/api/alerts/changes");
  events.addEventListener("change", load);
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(start, AGAIN_MS); // else the browser asks again itself
  });
}

async function load() {
  const found = await ask(`/api/alerts?limit=${MOST}`).catch(() => null);
  if (found) alerts = found.alerts;
  draw();
}

export function show(on) {
  shown = on;
  draw();
}

export function relabel() {
  drawn = "";
  draw();
}

function draw() {
  const open = alerts.filter((alert) => alert.verdict === "open").length;
  change(byId("open-alerts"), number(open));
  byId("open-alerts").hidden = !open;
  const now = JSON.stringify(alerts.map(({ id, verdict }) => [id, verdict]));
  if (!shown || now === drawn) return;
  drawn = now;
  byId("alerts-empty").hidden = alerts.length > 0;
  byId("alerts").replaceChildren(...alerts.map(entry));
}

const asClip = (alert) => ({ ...alert, id: alert.clip, rank: alert.id, verdict: "maybe", source: alert.segment, start_source: "given", thumbnail: alert.thumbnail ?? "" });

function entry(alert) {
  const playable = alerts.filter((other) => other.clip_url);
  const play = () => alert.clip_url && player.play(playable.map(asClip), playable.indexOf(alert));
  const judge = (verdict) => h("button", { type: "button", class: "quiet", "aria-pressed": String(alert.verdict === verdict), onclick: () => say(alert, verdict) }, t(`alert_${verdict}`));
  return h("li", {}, tile(asClip(alert), play),
    h("p", { class: "alert-line" }, h("strong", {}, alert.standing_name || alert.sentence), " ", judge("right"), " ", judge("wrong")));
}

async function say(alert, verdict) {
  const told = await ask(`/api/alerts/${alert.id}`, { method: "PATCH", body: { verdict } }).catch(() => null);
  if (told) alerts = alerts.map((other) => (other.id === told.id ? told : other));
  draw();
}
