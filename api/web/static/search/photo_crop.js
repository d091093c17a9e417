// The part of a photo that shows the person: a box, drawn with the mouse or a finger, or moved with the arrow keys.

import { byId, h, s } from "../core/dom.js";
import { t } from "../core/i18n.js";

const LEAST_PX = 16; // a smaller box was a slip of the hand
const KEY_PX = 10;
const dialog = byId("photobox");
let drawing = null;
let width = 0;
let height = 0;
let box = null; // [x1, y1, x2, y2] in pixels of the photo; null: all of it
let begun = null; // where the pointer went down
let done = () => {};

/** Choose a part of `picture` (a canvas), beginning with `current`; `onDone(box)` is told what was chosen. */
export function choose(picture, current, onDone) {
  [width, height, box, done] = [picture.width, picture.height, current, onDone];
  const shown = h("canvas", { width, height });
  shown.getContext("2d").drawImage(picture, 0, 0);
  drawing = s("svg", { viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "application", "aria-label": t("box_drawing") });
  for (const [name, act] of Object.entries({ pointerdown: press, pointermove: move, pointerup: release, pointercancel: release, keydown: key })) drawing.addEventListener(name, act);
  byId("photobox-stage").replaceChildren(shown, drawing);
  draw();
  dialog.showModal();
  drawing.focus();
}

function draw() {
  const [x1, y1, x2, y2] = box ?? [0, 0, width, height];
  const place = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
  const outside = `M0 0H${width}V${height}H0ZM${x1} ${y1}V${y2}H${x2}V${y1}Z`;
  drawing.replaceChildren(s("path", { class: "outside", d: outside }), s("rect", { class: "halo", ...place }), s("rect", { class: "box", ...place }));
}

function at(event) {
  const view = drawing.getBoundingClientRect();
  const inside = (value, most) => Math.round(Math.min(1, Math.max(0, value)) * most);
  return [inside((event.clientX - view.left) / view.width, width), inside((event.clientY - view.top) / view.height, height)];
}

function press(event) {
  drawing.setPointerCapture(event.pointerId);
  begun = at(event);
}

function move(event) {
  if (!begun) return;
  const now = at(event);
  const [low, high] = [Math.min, Math.max].map((pick) => begun.map((value, n) => pick(value, now[n])));
  box = high[0] - low[0] < LEAST_PX || high[1] - low[1] < LEAST_PX ? null : [...low, ...high];
  draw();
}

function release() {
  begun = null;
}

/** Arrows move the box, with Shift they move its lower right corner. */
function key(event) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
  if (!dx && !dy) return;
  event.preventDefault();
  const [x1, y1, x2, y2] = box ?? [width / 4, height / 8, (3 * width) / 4, (7 * height) / 8].map(Math.round);
  const within = (value, low, high) => Math.min(high, Math.max(low, value));
  if (event.shiftKey) box = [x1, y1, within(x2 + dx * KEY_PX, x1 + LEAST_PX, width), within(y2 + dy * KEY_PX, y1 + LEAST_PX, height)];
  else {
    const [right, down] = [within(dx * KEY_PX, -x1, width - x2), within(dy * KEY_PX, -y1, height - y2)];
    box = [x1 + right, y1 + down, x2 + right, y2 + down];
  }
  draw();
}

function close(chosen) {
  dialog.close();
  done(chosen);
}

export function start() {
  byId("photobox-use").addEventListener("click", () => close(box));
  byId("photobox-whole").addEventListener("click", () => close(null));
}
