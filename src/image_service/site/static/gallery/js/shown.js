// How a picture is shown: in which sizes, and what is seen before it comes.

import { thumbHashToRGBA } from "../vendor/thumbhash/thumbhash.js";
import { text } from "./texts.js";
import { altOf } from "./words.js";

// One URL for each width, smallest first. The image's own format: the service sends AVIF or WebP to whoever takes them.
function widths(image) {
  const found = new Map();
  for (const variant of image.variants) if (variant.format === image.format) found.set(variant.width, variant);
  return [...found.values()].sort((one, other) => one.width - other.width);
}

export const srcset = (image) => widths(image).map(({ url, width }) => `${url} ${width}w`).join(", ");

const largest = (image) => widths(image).at(-1);

// Width by height, as it is seen.
export const ratio = (image) => image.width / image.height;

// The hash tells it in its 24th bit.
export const hasAlpha = (image) => atob(image.thumbhash).charCodeAt(2) > 127;

// In a square: photos of the usual shapes lose a little at two sides; what is narrower, wider or see-through is seen whole.
export const isCropped = (image) => !hasAlpha(image) && ratio(image) <= 1.51 && ratio(image) >= 0.66;

// A slide of PhotoSwipe.
export function slide(image) {
  const { url, width, height } = largest(image);
  return { src: url, srcset: srcset(image), width, height, msrc: image.src, alt: altOf(image), hasAlpha: hasAlpha(image) };
}

const ESCAPED = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text) => text.replace(/[&<>"]/g, (mark) => ESCAPED[mark]);

// The whole tag for a shop's own page.
export function tag(image) {
  const main = image.variants.find(({ url }) => url === image.src) ?? largest(image);
  const attributes = {
    src: image.src,
    srcset: srcset(image),
    sizes: "(max-width: 640px) 100vw, 640px",
    width: main.width,
    height: main.height,
    alt: altOf(image),
    loading: "lazy",
  };
  return `<img ${Object.entries(attributes).map(([name, value]) => `${name}="${escaped(String(value))}"`).join(" ")}>`;
}

// Fill a `.picture` with a canvas and an <img>: the placeholder at once, the picture when it is near and has come. Behind
// what does not fill its place stays the placeholder, or, where one can see through, a chequered ground.
export function fill(picture, image, sizes) {
  const canvas = picture.querySelector("canvas");
  const img = picture.querySelector("img");
  paint(canvas, image.thumbhash);
  picture.classList.toggle("is-cropped", isCropped(image));
  picture.classList.toggle("has-alpha", hasAlpha(image));
  const { width, height } = image.variants.find(({ url }) => url === image.src) ?? largest(image);
  img.onload = () => {
    img.classList.add("is-loaded");
    canvas.hidden = hasAlpha(image) || isCropped(image);
  };
  img.onerror = () => {
    picture.dataset.broken = text("tile.broken");
    picture.classList.add("is-broken");
  };
  Object.assign(img, { width, height, alt: altOf(image), sizes, srcset: srcset(image), src: image.src });
}

function paint(canvas, thumbhash) {
  const { w, h, rgba } = thumbHashToRGBA(Uint8Array.from(atob(thumbhash), (letter) => letter.charCodeAt(0)));
  Object.assign(canvas, { width: w, height: h });
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(rgba), w, h), 0, 0);
}
