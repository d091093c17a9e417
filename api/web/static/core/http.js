// Talks to the server. Every failure becomes a Problem with what, got, expected, cure.

export class Problem extends Error {
  constructor(status, body) {
    super(body.what ?? "");
    this.status = status; // 0: no answer at all
    this.body = body;
  }
}

let token = ""; // proves that a change comes from this page
let signedOut = () => {};

export const setToken = (value) => (token = value);
export const onSignedOut = (listener) => (signedOut = listener);

/** The server's JSON answer: GET, or POST when there is a body. */
export async function ask(path, { body, signal, method = body ? "POST" : "GET" } = {}) {
  const response = await sent(path, method, body, signal);
  return response.json().catch(() => ({}));
}

/** Save what the server answers as a file. */
export async function fetchFile(path, body, name) {
  const response = await sent(path, "POST", body);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function sent(path, method, body, signal) {
  const request = { method, signal, headers: { Accept: "application/json" } };
  if (body) Object.assign(request, { body: JSON.stringify(body) });
  if (body) request.headers["Content-Type"] = "application/json";
  if (method !== "GET" && token) request.headers["X-CSRF-Token"] = token;
  const response = await reach(path, request);
  if (response.ok) return response;
  const problem = new Problem(response.status, await response.json().catch(() => ({})));
  if (problem.status === 401) signedOut();
  throw problem;
}

/** What the server says is wrong with an address that a picture or video could not use; null: nothing. */
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
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {});
  }
}
