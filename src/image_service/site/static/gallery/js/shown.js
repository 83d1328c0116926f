// How a picture is shown: its sizes, and the placeholder before it has loaded.

import { thumbHashToRGBA } from "../vendor/thumbhash/thumbhash.js";
import { text } from "./texts.js";
import { altOf } from "./words.js";

// A URL for each width, smallest first, in the image's own format: the service negotiates AVIF and WebP itself.
function widths(image) {
  const found = new Map();
  for (const variant of image.variants) if (variant.format === image.format) found.set(variant.width, variant);
  return [...found.values()].sort((one, other) => one.width - other.width);
}

export const srcset = (image) => widths(image).map(({ url, width }) => `${url} ${width}w`).join(", ");

const largest = (image) => widths(image).at(-1);

// Width divided by height, as displayed.
export const ratio = (image) => image.width / image.height;

// The thumbhash's 24th bit says whether there is transparency.
export const hasAlpha = (image) => atob(image.thumbhash).charCodeAt(2) > 127;

// In a square tile: photos of usual shapes are cropped a little; narrower, wider or transparent pictures are shown whole.
export const isCropped = (image) => !hasAlpha(image) && ratio(image) <= 1.51 && ratio(image) >= 0.66;

// A slide of PhotoSwipe.
export function slide(image) {
  const { url, width, height } = largest(image);
  return { src: url, srcset: srcset(image), width, height, msrc: image.src, alt: altOf(image), hasAlpha: hasAlpha(image) };
}

const ESCAPED = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text) => text.replace(/[&<>"]/g, (mark) => ESCAPED[mark]);

// The <img> tag for a shop's page.
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

// Fills a `.picture` with a canvas and an <img>: the placeholder at once, the picture when it is near the view. Behind
// a picture that does not fill its tile the placeholder stays, or a chequered ground if the picture is transparent.
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
