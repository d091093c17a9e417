// Talks to the server. Every failure becomes a Problem with what, got, expected, cure.

export class Problem extends Error {
  constructor(status, body) {
    super(body.what ?? "");
    this.status = status; // 0: no answer at all
    this.body = body;
  }
}

/** The server's JSON answer: GET, or `method` when there is a body. */
export async function ask(path, { body, signal, method = "POST" } = {}) {
  const request = { signal, headers: { Accept: "application/json" } };
  if (body) Object.assign(request, { method, body: JSON.stringify(body) });
  if (body) request.headers["Content-Type"] = "application/json";
  const response = await reach(path, request);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, answer);
  return answer;
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
