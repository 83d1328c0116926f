// The page's texts in the user's language: one file for each language, in `../languages/`.

const LANGUAGES = ["en", "es", "pt", "id"];
const KEPT = "image-service.language"; // localStorage: the user's choice; without one, the browser's languages decide

const listeners = [];
let wanted = chosen();
let language = wanted; // of `texts`: changes with them, so that no message mixes two languages
let texts = {};
let plurals, numbers;

function chosen() {
  const spoken = [kept(), ...navigator.languages.map((tag) => tag.split("-")[0])];
  return spoken.find((each) => LANGUAGES.includes(each)) ?? "en";
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // a browser may forbid storage
  }
}

// The browser's own tag if it is of the chosen language, so that en-GB gets British dates.
export const locale = () => navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;

// `text("pictures.count", { count: 3 })`: numbers are formatted for the language, and select singular or plural.
export function text(key, values = {}) {
  const found = texts[key];
  const chosenForm = typeof found === "object" ? (found[plurals.select(values.count)] ?? found.other) : found;
  return chosenForm.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? numbers.format(values[name]) : values[name]));
}

// The data attributes, and what each one's text becomes.
const PLACES = {
  text: (element, words) => (element.textContent = words),
  label: (element, words) => element.setAttribute("aria-label", words),
  title: (element, words) => (element.title = words),
  placeholder: (element, words) => (element.placeholder = words),
};

// Fills in the texts that `data-text`, `data-label`, `data-title` and `data-placeholder` name, below `root`.
export function translate(root) {
  for (const [place, put] of Object.entries(PLACES))
    for (const element of root.querySelectorAll(`[data-${place}]`)) put(element, text(element.dataset[place]));
}

// Returns false if the user has chosen another language meanwhile.
async function load() {
  const next = wanted;
  const found = await fetched(new URL(`../languages/${next}.json`, import.meta.url));
  if (next !== wanted) return false;
  [language, texts] = [next, found];
  plurals = new Intl.PluralRules(language);
  numbers = new Intl.NumberFormat(locale());
  document.documentElement.lang = language;
  translate(document);
  for (const template of document.querySelectorAll("template")) translate(template.content);
  for (const choice of document.querySelectorAll("select.language")) choice.value = language;
  return true;
}

// Repeats until it succeeds: without its texts the page is useless.
async function fetched(url, attempt = 1) {
  try {
    const answer = await fetch(url);
    return await answer.json();
  } catch {
    await new Promise((resolve) => setTimeout(resolve, Math.min(attempt, 10) * 1000));
    return fetched(url, attempt + 1);
  }
}

// Resolves when the texts are there. Loading starts at once, in parallel with the rest of the page.
export const ready = load().then(() => delete document.documentElement.dataset.starting);

// `redraw()` is called after a change of language, for texts that are not in the page's HTML.
export function onLanguage(redraw) {
  listeners.push(redraw);
}

export function startLanguages() {
  for (const choice of document.querySelectorAll("select.language")) {
    choice.onchange = async () => {
      wanted = choice.value;
      localStorage.setItem(KEPT, wanted);
      if (await load()) for (const redraw of listeners) redraw();
    };
  }
}
