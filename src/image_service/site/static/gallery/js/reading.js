// Reading files that the user has chosen.

import { text } from "./texts.js";

// The browser cannot read this file: it is a folder, or it was moved, changed or deleted after it was chosen.
export class Unreadable extends Error {
  constructor() {
    super(text("error.unreadable"));
  }
}

// The first bytes of a file, `most` or all. Throws Unreadable. (In Chromium a file that was deleted has the size 0; reading
// the file itself then fails, but reading a slice of it gives no bytes and no error.)
export async function bytesOf(file, most = Infinity) {
  try {
    return new Uint8Array(await (file.size > most ? file.slice(0, most) : file).arrayBuffer());
  } catch {
    throw new Unreadable();
  }
}
