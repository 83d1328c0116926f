// Converts and shrinks files that the service would refuse but this browser can decode, before they are sent.

import { kindOf } from "./kinds.js";
import { text } from "./texts.js";
import { dimensions, limits, tooHeavy, unusable } from "./words.js";

// The service would refuse this file, and this browser cannot convert it.
export class Unfit extends Error {}

const SAFE = 16_700_000; // pixels; a canvas of this size works in every browser (Safari's limit on phones)
const STEPS = [1, 0.7, 0.5, 0.35, 0.25]; // of the width and height, until the file is light enough
const QUALITIES = [0.92, 0.85];

// Returns { file, note }: the file to send, and what was changed, in words ("" if nothing). Throws Unfit, or Unreadable.
export async function fitted(file) {
  const { kind, isAnimated } = await kindOf(file);
  const isTaken = limits.formats.includes(kind);
  const isHeavy = file.size > limits.bytes;
  if (kind === "" && isHeavy) throw new Unfit(unusable());
  if (kind === "") return { file, note: "" }; // the service knows more formats and will name this one
  const image = await decoded(file);
  const isLarge = image !== null && isTooLarge(image);
  if (isTaken && !isHeavy && !isLarge) return { file, note: "" };
  if (image === null || isAnimated) {
    if (isHeavy) throw new Unfit(tooHeavy());
    return { file, note: "" };
  }
  return converted(file, image, isTaken);
}

const isTooLarge = ({ naturalWidth: width, naturalHeight: height }) =>
  width * height > limits.pixels || Math.max(width, height) > limits.side;

// Null: this browser cannot decode it.
async function decoded(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => Object.assign(image, { onload: resolve, onerror: reject }));
    return image.naturalWidth > 0 ? image : null;
  } catch {
    return null;
  } finally {
    // The browser has the bytes once decoding has begun, so the URL can go.
    setTimeout(() => URL.revokeObjectURL(image.src), 60_000);
  }
}

async function converted(file, image, isTaken) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const most = Math.min(1, limits.side / Math.max(width, height), Math.sqrt(Math.min(limits.pixels, SAFE) / (width * height)));
  for (const step of STEPS) {
    const canvas = drawn(image, Math.max(1, Math.floor(width * most * step)), Math.max(1, Math.floor(height * most * step)));
    for (const [type, extension, quality] of types(canvas)) {
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, quality));
      if (blob?.type !== type || blob.size > limits.bytes) continue;
      const isSmaller = canvas.width < width;
      const values = { format: { jpg: "JPEG", png: "PNG", webp: "WebP" }[extension], size: dimensions(canvas) };
      const note = text(isSmaller && isTaken ? "fit.shrunk" : isSmaller ? "fit.both" : "fit.converted", values);
      return { file: new File([blob], file.name.replace(/\.\w+$/, "") + `.${extension}`, { type }), note };
    }
  }
  throw new Unfit(tooHeavy());
}

function drawn(image, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return canvas;
}

// What to try, in order: JPEG, or PNG and then WebP if the picture has transparency.
function types(canvas) {
  if (!isTransparent(canvas)) return QUALITIES.map((quality) => ["image/jpeg", "jpg", quality]);
  const webp = limits.formats.includes("webp") ? [["image/webp", "webp", QUALITIES[0]]] : [];
  return [["image/png", "png"], ...webp];
}

function isTransparent(canvas) {
  const { data } = drawn(canvas, 64, 64).getContext("2d").getImageData(0, 0, 64, 64);
  for (let place = 3; place < data.length; place += 4) if (data[place] < 255) return true;
  return false;
}
