// The line at the foot of the page: is the server there, what is in the index, what is being indexed.

import { byId, h } from "./core/dom.js";
import { count, number, t } from "./core/i18n.js";
import { ask } from "./core/http.js";

const QUIET_MS = 10_000;
const BUSY_MS = 1500;
let last = null;
let timer = 0;

/** Ask now and again; `onNews(status)` is told when the number of rows or the work has changed. */
export async function watch(onNews) {
  clearTimeout(timer);
  const before = news(last);
  last = await ask("/api/status").catch(() => null);
  showStatus();
  if (last && news(last) !== before) onNews(last);
  const again = () => (document.hidden ? (timer = setTimeout(again, QUIET_MS)) : watch(onNews));
  timer = setTimeout(again, last && busy(last) ? BUSY_MS : QUIET_MS);
}

const news = (status) => JSON.stringify(status && [status.rows, status.cameras, status.segments]);

export const busy = (status) => status.segments.pending + status.segments.leased > 0;

export function showStatus() {
  const line = byId("status");
  line.className = last ? (busy(last) ? "busy" : "ready") : "gone";
  line.replaceChildren(...(last ? words(last) : [t("unreachable")]).map((word) => h("span", {}, word)));
  showRefused();
}

function words(status) {
  return [
    busy(status) ? work(status) : t("ready"),
    count(status.rows, "rows", "rows_one"),
    count(status.cameras, "camera_count", "camera_one"),
    t("model", { name: status.model.split("@")[0] }),
  ];
}

function work({ segments, indexing }) {
  const done = segments.indexed + segments.skipped;
  const line = t("indexing", { done: number(done), all: number(done + segments.pending + segments.leased) });
  const now = indexing.map(({ camera, offset_ms: at, duration_ms: all }) => (all ? `${camera} ${Math.min(99, Math.round((100 * at) / all))} %` : camera));
  return now.length ? `${line} (${now.join(", ")})` : line;
}

function showRefused() {
  const node = byId("refused");
  const total = last ? last.refused_count + last.segments.skipped : 0;
  node.hidden = !total;
  if (!total) return;
  node.querySelector("summary").textContent = count(total, "refused", "refused_one");
  const more = last.refused_count - last.refused.length;
  node.querySelector("ul").replaceChildren(
    ...last.refused.map(({ path, message, cure }) => h("li", {}, h("code", {}, path.split(/[\\/]/).pop()), ` ${message}`, cure ? h("small", {}, ` ${cure}`) : null)),
    ...(more > 0 ? [h("li", {}, t("refused_more", { n: number(more) }))] : []),
    ...(last.segments.skipped ? [h("li", {}, t("skipped", { n: number(last.segments.skipped) }))] : []),
  );
}
