// What the page at /docs does beyond being read: languages of the samples, copying, and calls to be tried.

import {openTrial} from "./trial.js";

const WIDE = matchMedia("(min-width: 1000px)");
const contents = document.getElementById("contents");

document.documentElement.classList.add("has-scripts");
const fold = () => (contents.open = WIDE.matches);
WIDE.addEventListener("change", fold);
fold();

for (const tabs of document.querySelectorAll(".tabs")) {
  tabs.append(button("Copy", "copy"), button("Try it", "try"));
}

document.addEventListener("click", async event => {
  const pressed = event.target.closest("button, a");
  if (pressed?.dataset.language) {
    show(pressed.dataset.language, pressed);
  } else if (pressed?.classList.contains("copy")) {
    await copy(pressed);
  } else if (pressed?.classList.contains("try")) {
    openTrial(pressed);
  } else if (pressed?.closest("nav") && !WIDE.matches) {
    contents.open = false;
  }
});

addEventListener("hashchange", unfold);
unfold();

function button(text, kind) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = kind;
  made.textContent = text;
  return made;
}

// In every sample; the one that was pressed stays where it is on the screen.
function show(language, pressed) {
  const before = pressed.getBoundingClientRect().top;
  for (const each of document.querySelectorAll(".samples pre[data-language]")) {
    each.hidden = each.dataset.language !== language;
  }
  for (const each of document.querySelectorAll("button[data-language]")) {
    each.setAttribute("aria-pressed", each.dataset.language === language);
  }
  scrollBy(0, pressed.getBoundingClientRect().top - before);
}

async function copy(pressed) {
  const sample = pressed.closest(".samples").querySelector("pre:not([hidden])");
  try {
    await navigator.clipboard.writeText(sample.textContent);
    pressed.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(sample); // without https browsers do not let us; one key press will do
    pressed.textContent = "Selected";
  }
  setTimeout(() => (pressed.textContent = "Copy"), 2000);
}

// What a link leads to may be folded.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement && target !== contents) {
    target.open = true;
    target.scrollIntoView();
  }
}
