// Small helpers: nodes without HTML strings, so that nothing that comes from outside is ever markup.

export const byId = (id) => document.getElementById(id);

/** A node: `h("p", {class: "x", onclick: f}, "text", otherNode)`. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Show `text` in a message line, or hide the line. */
export function say(node, text) {
  node.textContent = text;
  node.hidden = !text;
}

/** Let `node` show that it waits for `work`, from the moment on when somebody would wonder. */
export async function busy(node, work) {
  node.setAttribute("aria-busy", "true");
  try {
    return await work;
  } finally {
    node.removeAttribute("aria-busy");
  }
}

/** The same text again changes nothing: no flicker, and nothing is read out twice. */
export function change(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Rectangle of the target in a drawing that has the frame's own size: it scales as the picture does. */
export function boxNodes(clip) {
  if (clip.kind === "frame") return [];
  const [x1, y1, x2, y2] = clip.box;
  const place = { x: x1, y: y1, width: x2 - x1, height: y2 - y1, rx: 2 };
  return [s("rect", { class: "halo", ...place }), s("rect", { class: "box", ...place })];
}
