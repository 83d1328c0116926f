// What the API says, and what a picture is, in words for people.

const FOR_MESSAGES = [
  [/^must be a (.+) or (\w+) image$/, (others, last) => `This is not a picture that can be used. It must be a ${others.toUpperCase()} or ${last.toUpperCase()}, and whole.`],
  [/^Harus berupa file gambar$/, () => "This is not a picture that can be used: its kind is not taken here, or it is not whole."],
  [/^(?:must weigh|Image must be) less than ([\d.]+) ?MB$/, (mb) => `Too heavy: a picture must be less than ${mb} MB.`],
  [/^(?:has too many pixels|Image is too large to process)$/, () => "Too large: it has more pixels or frames than are taken here."],
  [/^could not be fetched$/, () => "This address could not be fetched. Is it public, and is it the address of the picture itself?"],
  [/^answered (\d+)$/, (status) => `The server at this address answered ${status} instead of a picture.`],
  [/^Product is not allowed to have more than (\d+) images$/, (limit) => `A product may have ${limit} pictures, and this one has them.`],
  [/^is already assigned to a product$/, () => "This picture has been put on a product in the meantime."],
  [/^(?:No such image or product|does not exist)$/, () => "This picture is no longer there."],
];

const FOR_STATUSES = {
  401: "The token is not accepted.",
  403: "This token may only read: nothing can be changed with it.",
  413: "Too heavy for this service.",
  507: "The service has no space left for more pictures.",
};

// One sentence or more for a refusal: the API's own message made readable.
export function refusal(status, body, requestId) {
  if (FOR_STATUSES[status] && !hasFields(body)) return FOR_STATUSES[status];
  const [field, message] = said(body);
  for (const [pattern, words] of FOR_MESSAGES) {
    const match = pattern.exec(message);
    if (match) return words(...match.slice(1));
  }
  if (status >= 500) return `Something went wrong at the service (${status}). Its log has it under ${requestId || "this moment"}.`;
  if (!message) return `The service refused this (${status}).`;
  const whole = field ? `${field.replaceAll("_", " ")} ${message}` : message;
  return whole[0].toUpperCase() + whole.slice(1).replace(/\.?$/, ".");
}

const hasFields = (body) => Object.values(body ?? {}).some(Array.isArray);

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

const FORMATS = { jpg: "JPEG", png: "PNG", gif: "GIF", webp: "WebP", avif: "AVIF" };

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
