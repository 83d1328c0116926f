// What the page at /docs and the guides share: the list beside the text, languages of samples, copying.

const WIDE = matchMedia("(min-width: 1000px)");
const contents = document.getElementById("contents");

document.documentElement.classList.add("has-scripts");
const fold = () => (contents.open = WIDE.matches);
WIDE.addEventListener("change", fold);
fold();

// `more`: further buttons of every sample, by what is done when they are pressed.
export function useSamples(more = {}) {
  const actions = { Copy: copy, ...more };
  for (const tabs of document.querySelectorAll(".tabs")) tabs.append(...Object.keys(actions).map(button));
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button, a");
    if (pressed?.dataset.language) show(pressed.dataset.language, pressed);
    else if (pressed?.dataset.action) actions[pressed.dataset.action](pressed);
    else if (pressed?.closest("nav") && !WIDE.matches) contents.open = false;
  });
}

function button(action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = made.dataset.action = action;
  return made;
}

// In every sample that has it; the one that was pressed stays where it is on the screen.
function show(language, pressed) {
  const before = pressed.getBoundingClientRect().top;
  for (const sample of document.querySelectorAll(".samples")) {
    const codes = [...sample.querySelectorAll("pre[data-language]")];
    if (!codes.some((each) => each.dataset.language === language)) continue;
    for (const each of codes) each.hidden = each.dataset.language !== language;
    for (const each of sample.querySelectorAll("button[data-language]")) {
      each.setAttribute("aria-pressed", each.dataset.language === language);
    }
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
