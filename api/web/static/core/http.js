// Talks to the server. Every failure becomes a Problem with what, got, expected, cure.

import { t } from "./i18n.js";

/** The server refused, failed, or did not answer. */
export class Problem extends Error {
  /**
   * @param {number} status of HTTP; 0: no answer at all
   * @param {Record<string, any>} body what, got, expected, cure, and what else the server says
   */
  constructor(status, body) {
    super(body.what ?? "");
    this.status = status;
    this.body = body;
  }
}

let token = ""; // proves that a change comes from this page
let signedOut = () => {};

/** Send this token with every change. @param {string} value */
export const setToken = (value) => (token = value);

/** Call `listener` when the server says that nobody is signed in. @param {() => void} listener */
export const onSignedOut = (listener) => (signedOut = listener);

/**
 * Return what is wrong, expected and to be done, in one line. Raises anything that is not a Problem: it is a bug.
 * @param {unknown} problem
 */
export function problemText(problem) {
  if (!(problem instanceof Problem)) throw problem;
  const { what, expected, cure } = problem.body;
  return [what, expected, cure].filter(Boolean).join(" · ") || t("unreachable");
}

/**
 * Return the server's JSON answer; raise a Problem.
 * @param {string} path
 * @param {{body?: object, signal?: AbortSignal, method?: string}} [options] POST where there is a body, else GET
 * @returns {Promise<any>}
 */
export async function ask(path, { body, signal, method = body ? "POST" : "GET" } = {}) {
  const response = await sent(path, method, body, signal);
  return response.json().catch(() => ({}));
}

/** Save what the server answers as a file. @param {string} path @param {object} body @param {string} name */
export async function fetchFile(path, body, name) {
  const response = await sent(path, "POST", body);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @param {string} path @param {string} method @param {object} [body] @param {AbortSignal} [signal] */
async function sent(path, method, body, signal) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (method !== "GET" && token) headers["X-CSRF-Token"] = token;
  const response = await reach(path, { method, signal, headers, body: body && JSON.stringify(body) });
  if (response.ok) return response;
  const problem = new Problem(response.status, await response.json().catch(() => ({})));
  if (problem.status === 401) signedOut();
  throw problem;
}

/** Return what the server says is wrong with the address of a picture or video; null: nothing. @param {string} path */
export async function faultOf(path) {
  try {
    const response = await reach(path, { headers: { Range: "bytes=0-0" } });
    return response.ok ? null : new Problem(response.status, await response.json());
  } catch (error) {
    return error instanceof Problem ? error : null;
  }
}

async function reach(path, request) {
  try {
    return await fetch(path, request);
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    throw new Problem(0, {});
  }
}

/** Return the bytes of a file in base64, as JSON carries them. @param {Blob} file */
export async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
