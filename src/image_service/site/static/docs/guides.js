// What the guides do beyond being read: samples in several languages, and a search.

import { useSamples } from "./code.js";

const MOST = 20; // results
const input = document.getElementById("search");
const found = document.getElementById("found");
const guide = document.querySelector(".guide");
let index; // fetched once, when a search begins

useSamples();
input.addEventListener("focus", load);
input.addEventListener("input", search);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    input.focus();
  } else if (event.key === "Escape" && input.value) {
    input.value = "";
    search();
  } else if (event.key === "Enter" && event.target === input) {
    found.querySelector("a")?.click();
  }
});
found.addEventListener("click", (event) => {
  if (!event.target.closest("a")) return;
  input.value = ""; // the link may lead to this very page
  search();
});

function load() {
  index ??= fetch(input.dataset.index).then((answer) => answer.json());
  return index;
}

async function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const sections = words.length ? await load() : [];
  if (words.join() !== input.value.toLowerCase().split(/\s+/).filter(Boolean).join()) return; // typed on meanwhile
  const hits = sections.map((section) => [rank(section, words), section]).filter(([points]) => points > 0);
  hits.sort(([one], [other]) => other - one);
  guide.hidden = words.length > 0;
  found.hidden = !words.length;
  const some = hits.length === 1 ? "1 result" : `${hits.length} results`;
  const title = hits.length ? `${some}${hits.length > MOST ? `, the best ${MOST}` : ""}` : "Nothing found";
  found.replaceChildren(make("h1", title), ...hits.slice(0, MOST).map(([, section]) => result(section, words)));
}

// Every word must be there. One in a heading is worth more.
function rank([title, , heading, text], words) {
  let points = 0;
  for (const word of words) {
    const counts = [title, heading, text].map((place) => place.toLowerCase().split(word).length - 1);
    if (!counts.some(Boolean)) return 0;
    points += 6 * Math.min(1, counts[0]) + 10 * Math.min(1, counts[1]) + Math.min(3, counts[2]);
  }
  return points;
}

function result([title, url, heading, text], words) {
  const link = make("a", heading === title ? title : `${title}: ${heading}`);
  link.href = input.dataset.up + (url || "./");
  const first = text.toLowerCase().indexOf(words.find((word) => text.toLowerCase().includes(word)));
  const at = first < 60 ? 0 : text.indexOf(" ", first - 60) + 1;
  const end = at + 180 < text.length ? text.lastIndexOf(" ", at + 180) : text.length;
  const place = make("p", "");
  const shown = make("span", at ? "… " : "");
  shown.append(...marked(text.slice(at, end > first ? end : at + 180), words), end < text.length ? " …" : "");
  place.append(link, shown);
  return place;
}

function marked(text, words) {
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[^\p{L}\p{N}\s]/gu, "\\$&")).join("|")})`, "i");
  return text.split(pattern).map((part, place) => (place % 2 ? make("mark", part) : part));
}

function make(tag, text) {
  return Object.assign(document.createElement(tag), { textContent: text });
}
