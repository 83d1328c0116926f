// Notices before an upload that the file is already in the gallery.

import { bytesOf } from "./reading.js";

// A file's SHA-256 in hex, or "" if the browser has no crypto.subtle (it exists on https and localhost only).
export async function digest(file) {
  if (!crypto.subtle) return "";
  const hash = await crypto.subtle.digest("SHA-256", await bytesOf(file));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The one of `images` that has the same bytes as `file`, or undefined. Only files of the same size are hashed. Without
// hashes the same name and size is enough, because the user is only asked.
export async function same(file, images) {
  const alike = images.filter(({ bytes }) => bytes === file.size);
  if (alike.length === 0) return undefined;
  const own = await digest(file);
  return alike.find(({ sha256, filename }) => (own ? sha256 === own : filename === file.name));
}
