// The part of a photo that shows the person: a box, drawn with the pointer or moved with the arrow keys.

import { byId, h, s } from "../core/dom.js";
import { t } from "../core/i18n.js";

/** @typedef {[number, number, number, number]} Box x1, y1, x2, y2 in pixels of the photo */

const LEAST_PX = 16; // a smaller box was a slip of the hand
const KEY_PX = 10;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const dialog = byId("photobox");
/** @type {SVGSVGElement} */
let drawing;
let width = 0;
let height = 0;
/** @type {Box | null} */
let box = null; // null: the whole photo
/** @type {[number, number] | null} */
let begun = null; // where the pointer went down
/** @type {(box: Box | null) => void} */
let done = () => {};

/**
 * Let somebody choose a part of a photo; call `onDone` with it.
 * @param {HTMLCanvasElement} photo
 * @param {Box | null} current
 * @param {(box: Box | null) => void} onDone
 */
export function choose(photo, current, onDone) {
  [width, height, box, done] = [photo.width, photo.height, current, onDone];
  const copy = h("canvas", { width, height });
  copy.getContext("2d")?.drawImage(photo, 0, 0);
  const viewBox = `0 0 ${width} ${height}`;
  const listeners = { onpointerdown: press, onpointermove: move, onpointerup: release, onpointercancel: release };
  const attributes = { viewBox, tabindex: 0, role: "application", "aria-label": t("box_drawing") };
  drawing = s("svg", { ...attributes, ...listeners, onkeydown: onKey });
  byId("photobox-stage").replaceChildren(copy, drawing);
  draw();
  dialog.showModal();
  drawing.focus();
}

function draw() {
  const [x1, y1, x2, y2] = box ?? [0, 0, width, height];
  const place = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
  const outside = `M0 0H${width}V${height}H0ZM${x1} ${y1}V${y2}H${x2}V${y1}Z`;
  drawing.replaceChildren(
    s("path", { class: "outside", d: outside }),
    s("rect", { class: "halo", ...place }),
    s("rect", { class: "box", ...place }),
  );
}

/** Return the place of a pointer in pixels of the photo. @returns {[number, number]} */
function placeOf(event) {
  const view = drawing.getBoundingClientRect();
  const inside = (share, most) => Math.round(Math.min(1, Math.max(0, share)) * most);
  return [
    inside((event.clientX - view.left) / view.width, width),
    inside((event.clientY - view.top) / view.height, height),
  ];
}

function press(event) {
  drawing.setPointerCapture(event.pointerId);
  begun = placeOf(event);
}

function move(event) {
  if (!begun) return;
  const [a, b] = [begun, placeOf(event)];
  /** @type {Box} */
  const next = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
  box = next[2] - next[0] < LEAST_PX || next[3] - next[1] < LEAST_PX ? null : next;
  draw();
}

function release() {
  begun = null;
}

/** Move the box with the arrows; with Shift only its lower right corner. */
function onKey(event) {
  const arrow = ARROWS[event.key];
  if (!arrow) return;
  event.preventDefault();
  const [dx, dy] = [arrow[0] * KEY_PX, arrow[1] * KEY_PX];
  box = (event.shiftKey ? stretched : moved)(box ?? middle(), dx, dy);
  draw();
}

/** @returns {Box} */
function middle() {
  const [x, y] = [Math.round(width / 4), Math.round(height / 8)];
  return [x, y, width - x, height - y];
}

const within = (value, low, high) => Math.min(high, Math.max(low, value));

/** @returns {Box} */
const stretched = ([x1, y1, x2, y2], dx, dy) => [
  x1,
  y1,
  within(x2 + dx, x1 + LEAST_PX, width),
  within(y2 + dy, y1 + LEAST_PX, height),
];

/** @returns {Box} */
function moved([x1, y1, x2, y2], dx, dy) {
  const [right, down] = [within(dx, -x1, width - x2), within(dy, -y1, height - y2)];
  return [x1 + right, y1 + down, x2 + right, y2 + down];
}

function close(part) {
  dialog.close();
  done(part);
}

export function start() {
  byId("photobox-use").addEventListener("click", () => close(box));
  byId("photobox-whole").addEventListener("click", () => close(null));
}
