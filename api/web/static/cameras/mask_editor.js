// Draws privacy masks over a camera's newest frame: click the corners, close the shape, save.

import { byId, s, say } from "../core/dom.js";
import { ask, problemText } from "../core/http.js";
import { t } from "../core/i18n.js";

/** @typedef {[number, number]} Point share of the frame's width and height */

const NEAR = 0.02; // a click this near to the first corner closes the shape
const dialog = byId("masks");
let camera = "";
/** @type {Point[][]} */
let shapes = [];
/** @type {Point[]} */
let corners = []; // of the shape that is not closed yet

const address = () => `/api/cameras/${encodeURIComponent(camera)}/masks`;

/** Show the masks of a camera over a frame. @param {string} id @param {string} frame address */
export async function open(id, frame) {
  camera = id;
  corners = [];
  say(byId("masks-fault"), "");
  byId("masks-title").textContent = t("masks_of", { camera });
  byId("masks-picture").src = frame;
  try {
    shapes = (await ask(address())).masks;
  } catch (problem) {
    shapes = [];
    say(byId("masks-fault"), problemText(problem));
  }
  draw();
  dialog.showModal();
}

function draw() {
  const points = (shape) => shape.map(([x, y]) => `${x},${y}`).join(" ");
  const circle = ([cx, cy], n) => s("circle", { class: n ? "corner" : "corner first", cx, cy, r: 0.008 });
  byId("masks-drawing").replaceChildren(
    ...shapes.map((shape) => s("polygon", { class: "mask", points: points(shape) })),
    s("polyline", { class: "mask-line", points: points(corners) }),
    ...corners.map(circle),
  );
  byId("masks-count").textContent = t("masks_n", { n: shapes.length });
  byId("masks-undo").disabled = !corners.length && !shapes.length;
}

function onClick(event) {
  const place = byId("masks-drawing").getBoundingClientRect();
  const share = (value) => Math.min(1, Math.max(0, Math.round(value * 1000) / 1000));
  /** @type {Point} */
  const point = [share((event.clientX - place.left) / place.width), share((event.clientY - place.top) / place.height)];
  const first = corners[0] ?? point;
  if (corners.length > 2 && Math.hypot(point[0] - first[0], point[1] - first[1]) < NEAR) closeShape();
  else corners.push(point);
  draw();
}

function closeShape() {
  if (corners.length > 2) shapes.push(corners);
  corners = [];
  draw();
}

function undo() {
  if (corners.length) corners.pop();
  else shapes.pop();
  draw();
}

async function save() {
  closeShape();
  try {
    await ask(address(), { method: "PUT", body: { masks: shapes } });
    dialog.close();
  } catch (problem) {
    say(byId("masks-fault"), problemText(problem));
  }
}

export function start() {
  byId("masks-drawing").addEventListener("click", onClick);
  byId("masks-shape").addEventListener("click", closeShape);
  byId("masks-undo").addEventListener("click", undo);
  byId("masks-save").addEventListener("click", save);
  byId("masks-cancel").addEventListener("click", () => dialog.close());
}
