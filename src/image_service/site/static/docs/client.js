// For a shop's pages: sends files with an upload ticket, and shows pictures.
// An ES module without dependencies; client.d.ts has its types.

const ATTEMPTS = 8;
const LONGEST = 30; // seconds between two attempts
// No answer, a proxy's error, a request with the same key that is still under way, or too many requests at once.
const AGAIN = new Set([0, 408, 409, 425, 429, 500, 502, 503, 504]);
const FIELDS = "id,src,position,product_id,alt,width,height,thumbhash,srcset"; // what picture() needs, and what it is

export class UploadError extends Error {
  name = "UploadError";

  constructor(answer) {
    super(reasonOf(answer));
    this.status = answer.status; // 0: there was no answer
    this.problem = answer.problem; // its name for programs: "too_large"
    this.body = answer.body;
  }
}

// Sends a file and returns the image. Repeats a request that may succeed later, always with the same Idempotency-Key, so
// that there is one image. Throws UploadError, or the reason of `signal`.
export async function upload(ticket, file, { onProgress, signal, alt, key = newKey() } = {}) {
  const url = new URL(ticket.url ?? ticket);
  url.searchParams.set("fields", FIELDS);
  const form = new FormData();
  form.append("file", file, file.name ?? "photo");
  if (alt) form.append("alt", alt);
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const answer = await send(url, form, key, onProgress, signal);
    const isDone = answer.status === 201 || answer.status === 200; // 200: on_duplicate=reuse found it
    if (isDone && answer.body) return answer.body;
    const isFinal = !AGAIN.has(answer.status) || answer.problem === "duplicate";
    if (isFinal || attempt === ATTEMPTS) throw new UploadError(answer);
    const least = 2 ** (attempt - 1) * (0.5 + Math.random() / 2); // pages that failed together do not come back together
    await pause(Math.min(answer.retryAfter || least, LONGEST), answer.status === 0, signal);
  }
}

// fetch() does not tell how far an upload has come.
function send(url, form, key, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open("POST", url);
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress?.(event.loaded / event.total);
    request.onabort = () => reject(signal.reason);
    request.onload = request.onerror = () => {
      const header = (name) => request.status ? request.getResponseHeader(name) : null;
      const retryAfter = Number(header("Retry-After"));
      resolve({ status: request.status, body: parsed(request.responseText), problem: header("Problem"), retryAfter });
    };
    request.onloadend = () => signal?.removeEventListener("abort", stop);
    signal?.addEventListener("abort", stop);
    request.send(form);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a proxy's own page
  }
}

function reasonOf({ status, body }) {
  if (!status) return `The connection was lost, or the ticket does not allow pages of ${location.origin}`;
  const said = body?.description ?? body?.error;
  if (said || !body || typeof body !== "object") return said ?? `The upload failed (${status})`;
  return Object.entries(body.errors ?? body).map(([field, reasons]) => `${field} ${[reasons].flat()[0]}`).join("; ");
}

// `seconds`; after a lost connection only until it is back.
function pause(seconds, isLost, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal?.removeEventListener("abort", end);
      signal?.aborted ? reject(signal.reason) : resolve();
    };
    const timer = setTimeout(end, seconds * 1000);
    if (isLost) addEventListener("online", end);
    signal?.addEventListener("abort", end);
  });
}

// crypto.randomUUID is for https alone.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The markup of a picture: the browser takes the smallest file that is sharp enough, in a format that it knows; nothing
// moves when it comes. `image` has the fields alt, width, height, src, srcset and thumbhash. Runs on a server too.
export function picture(image, { sizes = "100vw", alt = textOf(image.alt), priority = false } = {}) {
  const { url, formats, sizes: offered } = image.srcset ?? { formats: [], sizes: {} };
  const own = image.src.slice(image.src.lastIndexOf(".") + 1);
  const srcset = (format) =>
    Object.entries(offered)
      .map(([size, [width]]) => `${url.replace("{size}", size).replace("{format}", format)} ${width}w`)
      .join(", ");
  const sources = formats
    .filter((format) => format !== own)
    .map((format) => tag("source", { type: `image/${format === "jpg" ? "jpeg" : format}`, sizes, srcset: srcset(format) }));
  const img = tag("img", {
    src: image.src,
    ...(url ? { sizes, srcset: srcset(own) } : {}),
    width: image.width,
    height: image.height,
    alt: alt ?? "",
    ...(priority ? { fetchpriority: "high" } : { loading: "lazy" }),
    decoding: "async",
    style: `max-width:100%;height:auto${background(image.thumbhash)}`,
  });
  return `<picture>${sources.join("")}${img}</picture>`;
}

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function tag(name, attributes) {
  const written = Object.entries(attributes).filter(([, value]) => value !== undefined && value !== null);
  return `<${name}${written.map(([key, value]) => ` ${key}="${String(value).replace(/[&<>"]/g, (c) => ESCAPES[c])}"`).join("")}>`;
}

// Of a text in several languages the page's own, or the first.
function textOf(alt) {
  if (typeof alt !== "object" || !alt) return alt;
  return alt[globalThis.document?.documentElement.lang] ?? Object.values(alt)[0];
}

// A ThumbHash as a bitmap of 8 by 8 pixels, which the browser blurs by enlarging it. None where the picture has
// transparent parts: it would shine through for ever.
function background(thumbhash) {
  const hash = Uint8Array.from(atob(thumbhash ?? ""), (c) => c.charCodeAt(0));
  if (hash.length < 5 || hash[2] & 128) return "";
  const pixels = pixelsOf(hash, 8);
  const head = [66, 77, 246, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 1, 0, 24, 0];
  const bitmap = String.fromCharCode(...head, ...Array(24).fill(0), ...pixels);
  return `;background:url(data:image/bmp;base64,${btoa(bitmap)}) center/100% 100%`;
}

// evanw.github.io/thumbhash: the first terms of a cosine transform, as lightness and two differences of colours. The
// pixels are blue, green, red, from the bottom up, as a bitmap has them.
function pixelsOf(hash, side) {
  const low = hash[0] | (hash[1] << 8) | (hash[2] << 16);
  const high = hash[3] | (hash[4] << 8);
  const isWide = high >> 15;
  const [across, down] = isWide ? [7, Math.max(3, high & 7)] : [Math.max(3, high & 7), 7];
  let nibble = 0;
  const terms = (nx, ny, scale) => {
    const found = [];
    for (let y = 0; y < ny; y++) {
      for (let x = y ? 0 : 1; x * ny < nx * (ny - y); x++, nibble++) {
        found.push([x, y, (((hash[5 + (nibble >> 1)] >> ((nibble & 1) * 4)) & 15) / 7.5 - 1) * scale]);
      }
    }
    return found;
  };
  const l = [(low & 63) / 63, terms(across, down, ((low >> 18) & 31) / 31)];
  const p = [((low >> 6) & 63) / 31.5 - 1, terms(3, 3, (((high >> 3) & 63) / 63) * 1.25)];
  const q = [((low >> 12) & 63) / 31.5 - 1, terms(3, 3, (((high >> 9) & 63) / 63) * 1.25)];
  const wave = (at, times) => Math.cos((Math.PI / side) * (at + 0.5) * times);
  const pixels = [];
  for (let y = side - 1; y >= 0; y--) {
    for (let x = 0; x < side; x++) {
      const [light, yellow, red] = [l, p, q].map(([mean, all]) =>
        all.reduce((sum, [cx, cy, factor]) => sum + factor * wave(x, cx) * wave(y, cy) * 2, mean),
      );
      const b = light - (2 / 3) * yellow;
      const r = (3 * light - b + red) / 2;
      pixels.push(...[b, r - red, r].map((value) => Math.round(255 * Math.min(1, Math.max(0, value)))));
    }
  }
  return pixels;
}
