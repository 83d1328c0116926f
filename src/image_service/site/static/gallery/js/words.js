// What the API says, and what a picture is, in words for people.

// By the name of the problem (the header `Problem`). `said` is the API's own message, where it names a field: it has the
// limits of this installation in it.
const FOR_PROBLEMS = {
  not_an_image: (said) => (said ? `This picture cannot be used: it ${said}, and whole.` : "This picture cannot be used: its kind is not taken here, or it is not whole."),
  other_format: (said) => (said ? `This picture cannot be used. ${said}.` : "This picture cannot be used: its kind is not taken here."),
  cut_short: () => "This picture is cut short: its end is missing.",
  damaged: () => "This picture is damaged.",
  animated_avif: () => "An animated AVIF cannot be used. Save it as GIF or WebP.",
  too_wide_or_high: () => "Too large: it is wider or higher than pictures may be here.",
  too_heavy: (said) => (said ? `Too heavy: a picture ${said}.` : "Too heavy for this service."),
  too_heavy_fetched: (said) => `Too heavy: a picture ${said}.`,
  too_many_pixels: () => "Too large: it has more pixels or frames than are taken here.",
  not_fetched: (said) => (said.startsWith("answered") ? `The server at this address ${said} instead of a picture.` : `This address ${said}. Is it public, and is it the address of the picture itself?`),
  gallery_full: () => "This product has as many pictures as a product may have.",
  invalid_field: (said, field) => (field === "image_id" ? `This picture ${said}.` : ""),
  image_not_found: () => "This picture is no longer there.",
  unauthenticated: () => "The token is not accepted.",
  read_only_token: () => "This token may only read: nothing can be changed with it.",
  storage_full: () => "The service has no space left for more pictures.",
};

// One sentence or more for a refusal.
export function refusal(status, body, problem, requestId) {
  const [field, message] = said(body);
  const words = FOR_PROBLEMS[problem]?.(field ? message : "", field);
  if (words) return words;
  if (status >= 500) return `Something went wrong at the service (${status}). Its log has it under ${requestId || "this moment"}.`;
  if (!message) return `The service refused this (${status}).`;
  const whole = field ? `${field.replaceAll("_", " ")} ${message}` : message;
  return whole[0].toUpperCase() + whole.slice(1).replace(/\.?$/, ".");
}

function said(body) {
  if (typeof body !== "object" || body === null) return ["", ""];
  for (const [field, messages] of Object.entries(body)) if (Array.isArray(messages)) return [field, String(messages[0])];
  return ["", String(body.description ?? body.message ?? body.error ?? "")];
}

export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export function size(bytes) {
  if (bytes < 1000) return `${bytes}\u00a0B`;
  return bytes < 999_500 ? `${Math.round(bytes / 1000)}\u00a0kB` : `${(bytes / 1e6).toFixed(1)}\u00a0MB`;
}

const FORMATS = { jpg: "JPEG", png: "PNG", gif: "GIF", webp: "WebP", avif: "AVIF", heic: "HEIC" };

export const format = (image) => FORMATS[image.format] ?? image.format;

export const dimensions = (image) => `${image.width} × ${image.height}`;

export const when = (time) => new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

// A text is either one for all languages, or one for each: the page's own language first, then the first there is.
export function altOf(image) {
  if (image.alt === null || typeof image.alt === "string") return image.alt ?? "";
  const own = navigator.languages.map((tag) => image.alt[tag] ?? image.alt[tag.split("-")[0]]);
  return own.find(Boolean) ?? Object.values(image.alt)[0] ?? "";
}

// What a picture is called where nobody can see it.
export const called = (image) => altOf(image) || image.filename;
