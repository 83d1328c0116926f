// What the page says, in the language of whoever reads it: one file of texts for each language, in `../languages/`.

const LANGUAGES = ["en", "es", "pt", "id"];
const KEPT = "image-service.language"; // localStorage: what was chosen here; else the browser's languages decide

const listeners = [];
let language = chosen();
let texts = {};
let plurals, numbers;

function chosen() {
  const wanted = [kept(), ...navigator.languages.map((tag) => tag.split("-")[0])];
  return wanted.find((each) => LANGUAGES.includes(each)) ?? "en";
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // a browser may forbid it
  }
}

// The browser's own tag where it is of the chosen language: British dates for the British.
export const locale = () => navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;

// `text("pictures.count", { count: 3 })`: numbers are written as the language does, and choose between singular and plural.
export function text(key, values = {}) {
  const found = texts[key];
  const chosenForm = typeof found === "object" ? (found[plurals.select(values.count)] ?? found.other) : found;
  return chosenForm.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? numbers.format(values[name]) : values[name]));
}

// Attributes of the page's own elements, and what each key in them is for.
const PLACES = {
  text: (element, words) => (element.textContent = words),
  label: (element, words) => element.setAttribute("aria-label", words),
  title: (element, words) => (element.title = words),
  placeholder: (element, words) => (element.placeholder = words),
};

// Fill in what `data-text`, `data-label`, `data-title` and `data-placeholder` name, below `root`.
export function translate(root) {
  for (const [place, put] of Object.entries(PLACES))
    for (const element of root.querySelectorAll(`[data-${place}]`)) put(element, text(element.dataset[place]));
}

async function load() {
  texts = await fetched(new URL(`../languages/${language}.json`, import.meta.url));
  plurals = new Intl.PluralRules(language);
  numbers = new Intl.NumberFormat(locale());
  document.documentElement.lang = language;
  translate(document);
  for (const template of document.querySelectorAll("template")) translate(template.content);
  for (const choice of document.querySelectorAll("select.language")) choice.value = language;
}

// Again and again: without its texts the page is of no use.
async function fetched(url, attempt = 1) {
  try {
    const answer = await fetch(url);
    return await answer.json();
  } catch {
    await new Promise((resolve) => setTimeout(resolve, Math.min(attempt, 10) * 1000));
    return fetched(url, attempt + 1);
  }
}

// Resolves once the page can speak. It is asked for as soon as this file is there, beside the rest of the page.
export const ready = load().then(() => delete document.documentElement.dataset.starting);

// `redraw()` is called when another language has been chosen, for what is not in the page's own HTML.
export function onLanguage(redraw) {
  listeners.push(redraw);
}

export function startLanguages() {
  for (const choice of document.querySelectorAll("select.language")) {
    choice.onchange = async () => {
      language = choice.value;
      localStorage.setItem(KEPT, language);
      await load();
      for (const redraw of listeners) redraw();
    };
  }
}
