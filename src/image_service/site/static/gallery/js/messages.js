// Short messages: seen in the corner, or only heard.

import { byId, clone } from "./dom.js";

const STAYS = 6000; // milliseconds

// To a screen reader, when it has nothing else to say.
export function say(text) {
  const place = byId("said");
  place.textContent = place.textContent === text ? `${text}\u00a0` : text; // the same twice is heard twice
}

// A message with perhaps one thing to do: `action` is [label, function]. It waits while somebody is at it.
// Answers a function that takes it away. `onEnd` is called once, when nobody has chosen the action.
export function toast(text, { action, onEnd, stays = STAYS } = {}) {
  if (!action) for (const old of byId("toasts").querySelectorAll(".toast:not(:has(button))")) old.remove(); // one at a time is enough
  const element = clone("toast");
  element.firstElementChild.textContent = text;
  let timer = null;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(end, stays);
  };
  const away = () => {
    clearTimeout(timer);
    element.remove();
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
