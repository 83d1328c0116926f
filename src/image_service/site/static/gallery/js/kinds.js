// Detects a file's format by its first bytes; its name proves nothing.

import { bytesOf } from "./reading.js";

const FIRST = 64 * 1024; // bytes; the marks of an animation come early in a file

const ASCII = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));

// Brands of the ISO base media file format, which holds pictures and films.
const BRANDS = { avif: "avif", avis: "avif", heic: "heic", heix: "heic", heim: "heic", heis: "heic", hevc: "heic", mif1: "heic", msf1: "heic" };

// Returns { kind, isAnimated }: `kind` is the API's name of the format, "bmp", or "" if the format is unknown.
// Throws Unreadable.
export async function kindOf(file) {
  const bytes = await bytesOf(file, FIRST);
  const kind = named(bytes);
  return { kind, isAnimated: isAnimated(kind, bytes) };
}

function named(bytes) {
  const start = ASCII(bytes, 0, 12);
  if (start.startsWith("\xff\xd8\xff")) return "jpg";
  if (start.startsWith("\x89PNG\r\n")) return "png";
  if (/^GIF8[79]a/.test(start)) return "gif";
  if (/^RIFF[^]{4}WEBP/.test(start)) return "webp";
  if (start.slice(4, 8) === "ftyp") return BRANDS[start.slice(8, 12)] ?? "";
  return start.startsWith("BM") ? "bmp" : "";
}

// Shrinking would keep one frame only. Frames of a GIF can only be counted by reading it all, so each GIF counts as animated.
function isAnimated(kind, bytes) {
  if (kind === "gif") return true;
  if (kind === "png") return ASCII(bytes, 0, 4096).includes("acTL");
  if (kind === "webp") return ASCII(bytes, 12, 16) === "VP8X" && (bytes[20] & 2) !== 0;
  return kind === "avif" && ASCII(bytes, 8, 12) === "avis";
}
