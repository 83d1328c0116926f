// Short messages: toasts in the corner, and announcements for screen readers.

import { byId, clone } from "./dom.js";

const STAYS = 6000; // milliseconds

// Announces `text` politely to screen readers.
export function say(text) {
  const place = byId("said");
  place.textContent = place.textContent === text ? `${text}\u00a0` : text; // a repeated text must differ to be announced again
}

// Shows a message, with one button if `action` is given: [label, function]. The time stops while the pointer or focus is on it.
// Returns a function that removes it. If the message had the focus, the page's title gets it. `onEnd` is called once, if the
// message ends without the action.
export function toast(text, { action, onEnd, stays = STAYS } = {}) {
  // One message without a button at a time.
  if (!action) for (const old of byId("toasts").querySelectorAll(".toast:not(:has(button))")) old.remove()
  const element = clone("toast");
  element.firstElementChild.textContent = text;
  let timer = null;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(end, stays);
  };
  const away = () => {
    clearTimeout(timer);
    const hadFocus = element.contains(document.activeElement);
    element.remove();
    if (hadFocus) byId("title").focus({ preventScroll: true });
  };
  function end() {
    away();
    onEnd?.();
  }
  if (action) {
    const button = element.appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = action[0];
    button.onclick = () => {
      away();
      action[1]();
    };
  }
  element.onmouseenter = element.onfocusin = () => clearTimeout(timer);
  element.onmouseleave = wait;
  element.addEventListener("focusout", wait);
  element.addEventListener("focusin", () => clearTimeout(timer));
  byId("toasts").append(element);
  wait();
  say(text);
  return away;
}
