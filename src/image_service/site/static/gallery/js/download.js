// The original, just as it was sent in: it is nobody's but the store's, so it takes the token to get it.

import { bytes } from "./http.js";

export async function download(image) {
  const url = URL.createObjectURL(await bytes(`images/${image.id}/original`));
  Object.assign(document.createElement("a"), { href: url, download: image.filename }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it after the click
}
