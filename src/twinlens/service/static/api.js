// The service under /v1: a request with the key, retried while the service is busy; a problem in plain words if not.

import { Problem } from "/static/problems.js";

const KEY = "twinlens-key"; // in sessionStorage: gone when the tab is closed
const TRIES = 5;
const LONGEST_WAIT_S = 20;

const listeners = new Set();
let asking = null; // the question for a key that is open, shared by all requests that wait for it
let ask = async () => false;

/** The API key of this tab, or "". */
export function key() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return memory;
  }
}
let memory = "";

/** Keep an API key for this tab only. */
export function keepKey(value) {
  memory = value;
  try {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch {
    // storage is switched off: it is kept until the page is left
  }
}

/** Tell who asks a person for a key: a function that resolves to true when there is a new one. */
export function askForKeyWith(question) {
  ask = question;
}

/** Be told {waiting: seconds} while a request waits for its next try, {ok: true} when the service answered. */
export function onState(listener) {
  listeners.add(listener);
}

function tell(state) {
  for (const listener of listeners) listener(state);
}

/** A name in a path: one segment, whatever it holds. */
export function segment(name) {
  return encodeURIComponent(name);
}

/** A key under which the service does a piece of work once, however often it is asked. */
export function workKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs https
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Ask the service.
 *
 * @param {string} method
 * @param {string} path  from /v1 on, or a full path
 * @param {object} [options]  json or form: what to send; once: an idempotency key; signal; accept; tries;
 *     ask: false where no key is to be asked for; harmless: false where a second try could do it twice
 * @returns {Promise<Response>} an answer of 200 to 299
 * @throws {Problem}
 */
export async function request(method, path, options = {}) {
  const tries = options.tries ?? TRIES;
  const again = method === "GET" || Boolean(options.once) || options.harmless !== false;
  for (let attempt = 1; ; attempt += 1) {
    const problem = await attemptOnce(method, path, options);
    if (problem instanceof Response) {
      tell({ ok: true });
      return problem;
    }
    if (problem.status === 401 && options.ask !== false && (await newKey())) continue;
    const repeatable = problem.status === 503 || problem.status === 429 || (problem.status === 0 && again);
    if (!repeatable || attempt >= (problem.status === 0 ? Math.min(tries, 3) : tries)) {
      tell({ down: problem.status === 0 });
      throw problem;
    }
    await wait(pause(attempt, problem.retryAfter), problem, options.signal);
  }
}

/** Ask, and read the answer as JSON; null where there is none. */
export async function get(path, options = {}) {
  return read(await request("GET", path, options));
}

/** Send, and read the answer as JSON; null where there is none. */
export async function send(method, path, options = {}) {
  return read(await request(method, path, options));
}

async function read(response) {
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch {
    throw new Problem(0, {});
  }
}

/** Read one JSON object a line, as they come. */
export async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      if (error?.name === "AbortError") throw error;
      throw new Problem(0, {});
    }
    rest += part.value ?? "";
    const whole = rest.split("\n");
    rest = part.done ? "" : whole.pop();
    for (const line of whole) if (line.trim()) yield JSON.parse(line);
    if (part.done) return;
  }
}

async function attemptOnce(method, path, { json, form, once, signal, accept }) {
  const headers = { Accept: accept ?? "application/json" };
  if (key()) headers.Authorization = `Bearer ${key()}`;
  if (once) headers["Idempotency-Key"] = once;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = json === undefined ? form : JSON.stringify(json);
  let response;
  try {
    response = await fetch(path.startsWith("/") ? path : `/v1/${path}`, { method, headers, body, signal, cache: "no-store" });
  } catch (error) {
    if (error?.name === "AbortError") throw error;
    return new Problem(0, {});
  }
  return response.ok ? response : problemIn(response);
}

async function problemIn(response) {
  let details = {};
  try {
    details = await response.json();
  } catch {
    // an answer of somebody in between, without details
  }
  const problem = new Problem(response.status, details);
  const after = Number(response.headers.get("Retry-After"));
  problem.retryAfter = Number.isFinite(after) && after > 0 ? after : null;
  problem.request ||= response.headers.get("X-Request-ID") ?? "";
  return problem;
}

function pause(attempt, asked) {
  const own = 0.5 * 2 ** (attempt - 1) * (0.75 + Math.random() / 2); // many pages must not come back together
  return Math.min(LONGEST_WAIT_S, Math.max(asked ?? 0, own));
}

function wait(seconds, problem, signal) {
  tell({ waiting: seconds, why: problem.title });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    });
  });
}

async function newKey() {
  asking ??= ask().finally(() => {
    asking = null;
  });
  return asking;
}
