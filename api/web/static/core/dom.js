// Makes nodes without HTML strings: what comes from outside is never markup.

/**
 * The nodes of index.html that are more than an HTMLElement.
 * @typedef {object} Elements
 * @property {HTMLTextAreaElement} text
 * @property {HTMLInputElement} photo
 * @property {HTMLSelectElement} case
 * @property {HTMLInputElement} reason
 * @property {HTMLInputElement} camera-filter
 * @property {HTMLInputElement} live-filter
 * @property {HTMLInputElement} from
 * @property {HTMLInputElement} to
 * @property {HTMLDetailsElement} filters
 * @property {HTMLDialogElement} player
 * @property {HTMLVideoElement} video
 * @property {HTMLButtonElement} previous
 * @property {HTMLButtonElement} next
 * @property {HTMLDialogElement} photobox
 * @property {HTMLDialogElement} masks
 * @property {HTMLImageElement} masks-picture
 * @property {HTMLButtonElement} masks-undo
 */

/** @typedef {Record<string, any>} Attributes by name; "on..." is a listener; null and undefined are left out */
/** @typedef {Node | string | null} Child */

/**
 * Return the node of the page that has this id.
 * @template {string} I
 * @param {I} id
 * @returns {I extends keyof Elements ? Elements[I] : HTMLElement}
 */
export function byId(id) {
  return /** @type {any} */ (document.getElementById(id));
}

/**
 * Make a node: `h("p", {class: "x", onclick: f}, "text", otherNode)`.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * Make a node of SVG.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[T]}
 */
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

/** Make a button that submits nothing. @param {Attributes} attributes @param {...Child} children */
export const button = (attributes, ...children) => h("button", { type: "button", ...attributes }, ...children);

/** Make a quiet button with one action. @param {string} words @param {(event: any) => void} onclick */
export const quiet = (words, onclick) => button({ class: "quiet", onclick }, words);

/** Show `text` in a message line; hide the line where there is none. @param {HTMLElement} node @param {string} text */
export function say(node, text) {
  node.textContent = text;
  node.hidden = !text;
}

/**
 * Mark `node` as busy until `work` is done.
 * @template T
 * @param {HTMLElement} node
 * @param {Promise<T>} work
 */
export async function busy(node, work) {
  node.setAttribute("aria-busy", "true");
  try {
    return await work;
  } finally {
    node.removeAttribute("aria-busy");
  }
}

/** Set the text of a node if it is another: nothing flickers or is read out twice. */
export function change(/** @type {Node} */ node, /** @type {string} */ text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Return the nodes of a text with `commands` in it. @param {string} text */
export const marked = (text) =>
  text
    .split("`")
    .map((part, n) => (n % 2 ? h("code", {}, part) : part))
    .filter((part) => part !== "");
