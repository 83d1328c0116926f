// Copying to the clipboard.

import { say } from "./messages.js";
import { text } from "./texts.js";

// The first is for https alone; without it, what is copied must be selected in a field of the page that may have the focus.
export async function put(words) {
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    const place = document.querySelector("dialog[open], .pswp") ?? document.body;
    const field = Object.assign(document.createElement("textarea"), { value: words, className: "unseen" });
    const before = document.activeElement;
    place.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    before?.focus();
  }
  say(text("details.copied"));
}

// Out of a read-only field; the button says that it is done.
export async function copy(input, button) {
  input.select();
  await put(input.value);
  button.textContent = text("details.copied");
  setTimeout(() => (button.textContent = text("details.copy")), 1500);
}
