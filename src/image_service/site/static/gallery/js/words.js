// A picture's facts and the API's problems, in words for people.

import { locale, text } from "./texts.js";

// This installation's limits: `bytes`, `pixels`, `side` and `formats`.
export const limits = JSON.parse(document.querySelector('meta[name="limits"]').content);

const FORMATS = { jpg: "JPEG", png: "PNG", gif: "GIF", webp: "WebP", avif: "AVIF", heic: "HEIC" };

const named = (name) => FORMATS[name] ?? name;

export const formats = () => new Intl.ListFormat(locale(), { type: "disjunction" }).format(limits.formats.map(named));

export const tooHeavy = () => text("error.too_heavy", { size: size(limits.bytes + 1) });

export const unusable = () => text("error.format", { formats: formats() });

// The formats that can be chosen, as a list to read.
export const taken = () => text("pictures.taken", { formats: formats(), size: size(limits.bytes + 1) });

// By the problem's name (header `Problem`); `said` is the API's message, for problems that name a field.
const FOR_PROBLEMS = {
  not_an_image: unusable,
  other_format: (said) => {
    const [, kind] = /^([^:]+): /.exec(said) ?? [];
    return text(kind ? "error.kind" : "error.format", { kind, formats: formats() });
  },
  cut_short: () => text("error.cut_short"),
  damaged: () => text("error.damaged"),
  animated_avif: () => text("error.animated_avif"),
  too_wide_or_high: () => text("error.too_wide", { side: limits.side }),
  too_heavy: tooHeavy,
  too_heavy_fetched: tooHeavy,
  too_many_pixels: () => text("error.too_many_pixels", { pixels: limits.pixels / 1e6 }),
  not_fetched: (said) => {
    const [, status] = /^answered (\d+)/.exec(said) ?? [];
    if (status) return text("error.url_status", { status });
    return text(said.startsWith("answered") ? "error.url_empty" : "error.url");
  },
  product_key_taken: () => text("error.key_taken"),
  gallery_full: () => text("error.gallery_full"),
  invalid_field: (said, field) => (field === "image_id" ? text(said.includes("assigned") ? "error.already_assigned" : "error.gone") : ""),
  image_not_found: () => text("error.gone"),
  unauthenticated: () => text("error.token"),
  read_only_token: () => text("error.read_only"),
  storage_full: () => text("error.storage_full"),
};

// By the reason in a job's receipt, for answers of a host.
const FOR_REASONS = {
  timed_out: () => text("arriving.timed_out"),
  cut_off: () => text("arriving.cut_off"),
  too_many_requests: () => text("arriving.busy"),
  host_error: (status) => text("arriving.host_error", { status }),
  forbidden: () => text("arriving.forbidden"),
  not_found: () => text("arriving.not_found"),
  gone: () => text("arriving.not_found"),
  bad_status: (status) => text("error.url_status", { status }),
  empty: () => text("error.url_empty"),
  fragmented: () => text("error.damaged"),
  cancelled: () => text("arriving.cancelled"),
  not_done: () => text("arriving.not_done"),
  forgotten: () => text("arriving.not_done"),
};

// Why a job has failed or waits. Unknown reasons get a general text: a newer service may have more.
export function failure({ reason, status }) {
  const words = FOR_REASONS[reason]?.(String(status ?? "–")) ?? FOR_PROBLEMS[reason]?.("", "");
  return words || text("error.refused_saying", { message: reason });
}

// The text for a refusal.
export function refusal(status, body, problem, requestId) {
  const [field, message] = said(body);
  const words = FOR_PROBLEMS[problem]?.(field ? message : "", field);
  if (words) return words;
  if (status >= 500) return text("error.server", { status: String(status), id: requestId || "–" });
  if (!message) return text("error.refused", { status: String(status) });
  return text("error.refused_saying", { message: (field ? `${field} ${message}` : message).replace(/\.$/, "") });
}

function said(body) {
  if (typeof body !== "object" || body === null) return ["", ""];
  for (const [field, messages] of Object.entries(body.errors ?? body)) if (Array.isArray(messages)) return [field, String(messages[0])];
  return ["", String(body.description ?? body.detail ?? body.message ?? body.error ?? "")];
}

const inUnit = (amount, unit, digits = 0) =>
  new Intl.NumberFormat(locale(), { style: "unit", unit, maximumFractionDigits: digits }).format(amount);

export function size(bytes) {
  if (bytes < 1000) return inUnit(bytes, "byte");
  return bytes < 999_500 ? inUnit(bytes / 1000, "kilobyte") : inUnit(bytes / 1e6, "megabyte", 1);
}

export const percent = (part) => new Intl.NumberFormat(locale(), { style: "percent" }).format(part);

export const format = (image) => named(image.format);

// Pixels without thousands separators, as other programs write them.
export const dimensions = (image) => `${image.width} × ${image.height}`;

export const when = (time) => new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));

export function languageName(tag) {
  try {
    return new Intl.DisplayNames([locale()], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag; // the key of an alt text need not be a language tag
  }
}

// An alt text is one string, or a map by language: the page's language is preferred, then the first one.
export function altOf(image) {
  if (image.alt === null || typeof image.alt === "string") return image.alt ?? "";
  const own = [locale(), ...navigator.languages].map((tag) => image.alt[tag] ?? image.alt[tag.split("-")[0]]);
  return own.find(Boolean) ?? Object.values(image.alt)[0] ?? "";
}

// A picture's name for screen readers.
export const called = (image) => altOf(image) || image.filename;
