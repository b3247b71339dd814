// Talks to the server. Every failure becomes one `Failure` whose `kind` says what to do about it.

/**
 * kind: "network" (no answer), "storage", "busy" (try again later), "superseded", "locked",
 * "session" (stop), "size" (send less), "other" (say it).
 */
export class Failure extends Error {
  constructor(kind, message = "") {
    super(message);
    this.kind = kind;
  }
}

const KINDS = {
  session: "session", superseded: "superseded", locked: "locked", size: "size", many: "busy",
  // A request with the former session's proof: this browser has opened the link once more.
  csrf: "superseded",
};
const PATIENCE_MS = 15000;

async function failureOf(response) {
  let reply = {};
  try {
    reply = await response.json();
  } catch {
    // The status alone must do.
  }
  const kind = KINDS[reply.code] ?? (response.status >= 500 ? "storage" : "other");
  return new Failure(kind, String(reply.error ?? ""));
}

async function call(path, options, read) {
  let response;
  try {
    response = await fetch(path, {
      credentials: "same-origin", cache: "no-store", redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS), ...options,
    });
    if (response.ok) return await read(response);
  } catch {
    throw new Failure("network");
  }
  throw await failureOf(response);
}

export const getJson = (path) => call(path, {}, (response) => response.json());
export const getBytes = (path) => call(path, {}, (response) => response.arrayBuffer());

/** POST JSON with the session's proof against forged requests. */
export function postJson(path, csrf, body) {
  return call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(body),
  }, (response) => response.json());
}

/** A random version-4 UUID; `crypto.randomUUID` is missing on plain HTTP from another computer. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [0, 8, 12, 16, 20].map((from, i, all) => hex.slice(from, all[i + 1])).join("-");
}
