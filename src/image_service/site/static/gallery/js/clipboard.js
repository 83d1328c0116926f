// Copying out of a read-only field.

import { say } from "./messages.js";

export async function copy(input, button) {
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
  } catch {
    document.execCommand("copy"); // the other is for https alone
  }
  const was = button.textContent;
  button.textContent = "Copied";
  say("Copied.");
  setTimeout(() => (button.textContent = was === "Copied" ? "Copy" : was), 1500);
}
