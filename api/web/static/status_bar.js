// The line at the foot of the page: whether the server answers, what is in the index, what is being indexed.

import { byId, h } from "./core/dom.js";
import { ask } from "./core/http.js";
import { count, number, t } from "./core/i18n.js";

const QUIET_MS = 10_000;
const BUSY_MS = 1500;
let last = null;
let timer = 0;

/** Ask again and again; call `onNews` when the rows or the work have changed. @param {(s: any) => void} onNews */
export async function watch(onNews) {
  clearTimeout(timer);
  const before = news(last);
  last = await ask("/api/status").catch(() => null);
  draw();
  if (last && news(last) !== before) onNews(last);
  const again = () => (document.hidden ? (timer = setTimeout(again, QUIET_MS)) : watch(onNews));
  timer = setTimeout(again, last && isBusy(last) ? BUSY_MS : QUIET_MS);
}

const news = (status) => JSON.stringify(status && [status.rows, status.camera_count, status.segments]);

/** Say whether recordings are being indexed. */
export const isBusy = (status) => status.segments.pending + status.segments.leased > 0;

function draw() {
  const line = byId("status");
  line.className = last ? (isBusy(last) ? "busy" : "ready") : "gone";
  line.replaceChildren(...(last ? facts(last) : [t("unreachable")]).map((words) => h("span", {}, words)));
  drawRefused();
}

export const relabel = draw;

function facts(status) {
  return [
    isBusy(status) ? work(status) : t("ready"),
    count(status.rows, "rows", "rows_one"),
    count(status.camera_count, "camera_count", "camera_one"),
    t("model", { name: status.model.split("@")[0] }),
  ];
}

function work({ segments, indexing }) {
  const done = segments.indexed + segments.skipped;
  const line = t("indexing", { done: number(done), all: number(done + segments.pending + segments.leased) });
  const now = indexing.map(({ camera, offset_ms: at, duration_ms: all }) =>
    all ? `${camera} ${Math.min(99, Math.round((100 * at) / all))} %` : camera,
  );
  return now.length ? `${line} (${now.join(", ")})` : line;
}

/** Name the files that are not in the index. */
function drawRefused() {
  const node = byId("refused");
  const total = last ? last.refused_count + last.segments.skipped : 0;
  node.hidden = !total;
  if (!total) return;
  const more = last.refused_count - last.refused.length;
  const { skipped } = last.segments;
  const rest = [
    more > 0 ? t("refused_more", { n: number(more) }) : "",
    skipped ? t("skipped", { n: number(skipped) }) : "",
  ];
  const items = [...last.refused.map(refusedFile), ...rest.filter(Boolean).map((words) => h("li", {}, words))];
  node.children[0].textContent = count(total, "refused", "refused_one");
  node.children[1].replaceChildren(...items);
}

function refusedFile({ path, message, cure }) {
  return h("li", {}, h("code", {}, path.split(/[\\/]/).pop()), ` ${message}`, cure ? h("small", {}, ` ${cure}`) : null);
}
