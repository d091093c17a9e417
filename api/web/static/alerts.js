// The view of alerts, newest first: play one, judge it. The number of open ones stands in the tab.

import { toClip } from "./core/clip.js";
import { button, byId, change, h } from "./core/dom.js";
import { ask } from "./core/http.js";
import { number, t } from "./core/i18n.js";
import { tile } from "./core/tile.js";
import * as player from "./player/player.js";

const AGAIN_MS = 5000; // after the server refused or ended
const MOST = 60;
let alerts = [];
let drawn = ""; // numbers and judgements that the list shows
let visible = false;

/** Listen for changes; the list is drawn only while it is visible. */
export function start() {
  const events = new EventSource("/api/alerts/changes");
  events.addEventListener("change", load);
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(start, AGAIN_MS); // else the browser asks again itself
  });
}

async function load() {
  const answer = await ask(`/api/alerts?limit=${MOST}`).catch(() => null);
  if (answer) alerts = answer.alerts;
  draw();
}

/** @param {boolean} on */
export function show(on) {
  visible = on;
  draw();
}

export function relabel() {
  drawn = "";
  draw();
}

function draw() {
  const open = alerts.filter((alert) => alert.judgement === "open").length;
  change(byId("open-alerts"), number(open));
  byId("open-alerts").hidden = !open;
  const now = JSON.stringify(alerts.map(({ number: n, judgement }) => [n, judgement]));
  if (!visible || now === drawn) return;
  drawn = now;
  byId("alerts-empty").hidden = alerts.length > 0;
  byId("alerts").replaceChildren(...alerts.map(entry));
}

const clipOf = (alert) => toClip(alert);

function entry(alert) {
  const playable = alerts.filter((other) => other.clip_url);
  const play = () => alert.clip_url && player.play(playable.map(clipOf), playable.indexOf(alert));
  const name = h("strong", {}, alert.saved_search_name || alert.query);
  const line = h(
    "p",
    { class: "alert-line" },
    name,
    " ",
    judgeButton(alert, "right"),
    " ",
    judgeButton(alert, "wrong"),
  );
  return h("li", {}, tile(clipOf(alert), play), line);
}

/** @param {"right" | "wrong"} judgement */
function judgeButton(alert, judgement) {
  const pressed = String(alert.judgement === judgement);
  return button(
    { class: "quiet", "aria-pressed": pressed, onclick: () => judge(alert, judgement) },
    t(`alert_${judgement}`),
  );
}

async function judge(alert, judgement) {
  const judged = await ask(`/api/alerts/${alert.number}`, { method: "PATCH", body: { judgement } }).catch(() => null);
  if (judged) alerts = alerts.map((other) => (other.number === judged.number ? judged : other));
  draw();
}
