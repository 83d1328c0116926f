// Copying to the clipboard.

import { say } from "./messages.js";
import { text } from "./texts.js";

// navigator.clipboard exists on https only. Elsewhere the text must be selected in a field that can have the focus.
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

// Copies a read-only field; the button confirms it.
export async function copy(input, button) {
  input.select();
  await put(input.value);
  button.textContent = text("details.copied");
  setTimeout(() => (button.textContent = text("details.copy")), 1500);
}
