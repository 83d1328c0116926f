// Calls of the API, repeated while the service is busy or the connection is lost.

import { bytesOf } from "./reading.js";
import { authorization, renew, storeId } from "./session.js";
import { text } from "./texts.js";
import { refusal } from "./words.js";

const BUSY = new Set([409, 429, 503]); // their Retry-After says when to try again
const GATEWAY = new Set([408, 502, 504]); // the request or the answer was lost
const LONGEST = 30; // seconds between two attempts

// The service answered with an error.
export class Refused extends Error {
  constructor(answer) {
    super(refusal(answer.status, answer.body, answer.header("Problem"), answer.header("X-Request-Id")));
    this.status = answer.status;
    this.problem = answer.header("Problem") ?? "";
    this.retryAfter = Number(answer.header("Retry-After")) || null;
  }
}

// There was no answer. The change may or may not have been made.
export class Lost extends Error {
  constructor() {
    super(text("error.lost"));
  }
}

function settled(answer) {
  if (GATEWAY.has(answer.status)) throw new Lost();
  if (answer.status >= 400) throw new Refused(answer);
  return answer;
}

function parsed(text) {
  try {
    return JSON.parse(text, exactly);
  } catch {
    return null; // not JSON: an error page of a proxy
  }
}

// A product's number may have more digits than a JavaScript number can hold; it then stays a string. An empty list is
// how the API says that there is no alt text in any language.
function exactly(name, value, context) {
  if (name === "alt" && Array.isArray(value)) return null;
  return typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER ? (context?.source ?? value) : value;
}

function headersOf({ json, key, ifMatch, prefer }) {
  const headers = { Authorization: authorization() };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (ifMatch) headers["If-Match"] = ifMatch;
  if (prefer) headers.Prefer = prefer;
  return headers;
}

// One call. `credentials: "omit"` keeps the browser from asking for a password after a 401.
async function call(method, path, options) {
  const { json, signal } = options;
  const body = json === undefined ? undefined : JSON.stringify(json);
  let response, text;
  try {
    response = await fetch(path, { method, body, signal, headers: headersOf(options), credentials: "omit", cache: "no-store" });
    text = await response.text();
  } catch (error) {
    throw signal?.aborted ? error : new Lost();
  }
  return settled({ status: response.status, body: parsed(text), header: (name) => response.headers.get(name) });
}

// The bytes at a path of the API, fetched with the token.
export async function bytes(path) {
  const used = authorization();
  let response;
  try {
    response = await fetch(path, { headers: { Authorization: used }, credentials: "omit" });
    if (response.ok) return await response.blob();
  } catch {
    throw new Lost();
  }
  if (response.status !== 401) return settled({ status: response.status, body: null, header: (name) => response.headers.get(name) });
  await renew(used);
  return bytes(path);
}

// Throws Unreadable if a file of the form is gone: sending it then fails as if the connection were lost.
const readable = (form) => Promise.all([...form.values()].filter((value) => value instanceof Blob).map((file) => bytesOf(file, 1)));

// One call with a form. XMLHttpRequest, because fetch cannot report upload progress: `onProgress(0..1)`.
function send(method, path, options) {
  const { form, signal, onProgress } = options;
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const stop = () => xhr.abort();
    xhr.open(method, path);
    for (const [name, value] of Object.entries(headersOf(options))) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => event.lengthComputable && onProgress?.(event.loaded / event.total);
    xhr.onload = () => resolve({ status: xhr.status, body: parsed(xhr.responseText), header: (name) => xhr.getResponseHeader(name) });
    xhr.onerror = () => readable(form).then(() => reject(new Lost()), reject);
    xhr.onabort = () => reject(signal.reason);
    xhr.onloadend = () => signal?.removeEventListener("abort", stop);
    signal?.addEventListener("abort", stop);
    xhr.send(form);
  }).then(settled);
}

// Pictures for a product go under the versioned prefix, which takes every format that can be shown. All other calls go to the
// plain prefix, where alt texts are returned as they were sent. (Tickets of `uploads` take the same formats.)
function address(path, { form, json }) {
  const isPicture = form !== undefined || json?.src !== undefined;
  return isPicture && !path.startsWith("uploads") ? `2025-03/${storeId()}/${path}` : path;
}

// A call of the API. Options: `json` or `form` (a FormData); `key`, `ifMatch` and `prefer`; `signal` to give up; `attempts`, while the
// service is busy; `outlivesLoss`: the call may be repeated when its outcome is unknown; `onWait(seconds, isLost)`.
// Returns { status, body, header(name) }. Throws Refused, Lost, Unreadable, or the signal's reason.
export async function api(method, path, options = {}) {
  const { attempts = 4, outlivesLoss = method === "GET", onWait, signal } = options;
  for (let attempt = 1; ; attempt++) {
    const used = authorization();
    signal?.throwIfAborted();
    try {
      return await (options.form ? send : call)(method, address(path, options), options);
    } catch (error) {
      const isLost = error instanceof Lost;
      if (error.status === 401) {
        await renew(used);
        continue;
      }
      if (attempt >= attempts || !(isLost ? outlivesLoss : BUSY.has(error.status))) throw error;
      const seconds = Math.min(error.retryAfter ?? 2 ** (attempt - 1), LONGEST);
      onWait?.(seconds, isLost);
      await pause(seconds, isLost, signal);
    }
  }
}

// Waits `seconds`, or until the browser is online again.
function pause(seconds, isLost, signal) {
  return new Promise((resolve, reject) => {
    const end = (how) => {
      clearTimeout(timer);
      removeEventListener("online", goOn);
      signal?.removeEventListener("abort", giveUp);
      how();
    };
    const goOn = () => end(resolve);
    const giveUp = () => end(() => reject(signal.reason));
    const timer = setTimeout(goOn, seconds * 1000);
    if (isLost) addEventListener("online", goOn);
    signal?.addEventListener("abort", giveUp);
  });
}

// A random key, as unique as a UUID. (crypto.randomUUID exists on https only; a local service may use http.)
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
