// Downloads the original, exactly as it was uploaded. It is private, so the request carries the token.

import { bytes } from "./http.js";

export async function download(image) {
  const url = URL.createObjectURL(await bytes(`images/${image.id}/original`));
  Object.assign(document.createElement("a"), { href: url, download: image.filename }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it after the click
}
