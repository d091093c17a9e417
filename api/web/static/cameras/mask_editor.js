// Privacy masks, drawn by mouse over the camera's newest picture: click the corners, close the shape, save.

import { byId, h, s, say } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { ask } from "../core/http.js";

const NEAR = 0.02; // a click so near to the first corner closes the shape
const dialog = byId("masks");
let camera = "";
let shapes = [];
let corners = [];

const address = () => `/api/cameras/${encodeURIComponent(camera)}/masks`;

/** Draw the masks of a camera over its picture. */
export async function open(id, picture) {
  camera = id;
  corners = [];
  say(byId("masks-fault"), "");
  byId("masks-title").textContent = t("masks_of", { camera });
  byId("masks-picture").src = picture;
  try {
    shapes = (await ask(address())).masks;
  } catch (problem) {
    shapes = [];
    say(byId("masks-fault"), problem.body?.what ?? t("unreachable"));
  }
  draw();
  dialog.showModal();
}

function draw() {
  const points = (shape) => shape.map(([x, y]) => `${x},${y}`).join(" ");
  const begun = corners.map(([x, y], n) => s("circle", { class: n ? "corner" : "corner first", cx: x, cy: y, r: 0.008 }));
  byId("masks-drawing").replaceChildren(...shapes.map((shape) => s("polygon", { class: "mask", points: points(shape) })), s("polyline", { class: "mask-line", points: points(corners) }), ...begun);
  byId("masks-count").textContent = t("masks_n", { n: shapes.length });
  byId("masks-undo").disabled = !corners.length && !shapes.length;
}

function click(event) {
  const box = byId("masks-drawing").getBoundingClientRect();
  const share = (value) => Math.min(1, Math.max(0, Math.round(value * 1000) / 1000));
  const point = [share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)];
  const closes = corners.length > 2 && Math.hypot(point[0] - corners[0][0], point[1] - corners[0][1]) < NEAR;
  if (closes) close();
  else corners.push(point);
  draw();
}

function close() {
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
  close();
  try {
    await ask(address(), { method: "PUT", body: { masks: shapes } });
    dialog.close();
  } catch (problem) {
    say(byId("masks-fault"), [problem.body?.what, problem.body?.expected].filter(Boolean).join(" · ") || t("unreachable"));
  }
}

export function start() {
  byId("masks-drawing").addEventListener("click", click);
  byId("masks-shape").addEventListener("click", close);
  byId("masks-undo").addEventListener("click", undo);
  byId("masks-save").addEventListener("click", save);
  byId("masks-cancel").addEventListener("click", () => dialog.close());
}
