// Copying out of a read-only field.

import { say } from "./messages.js";
import { text } from "./texts.js";

export async function copy(input, button) {
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
  } catch {
    document.execCommand("copy"); // the other is for https alone
  }
  button.textContent = text("details.copied");
  say(text("details.copied"));
  setTimeout(() => (button.textContent = text("details.copy")), 1500);
}
