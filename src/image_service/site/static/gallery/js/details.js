// The dialog of one picture: alt text, position, URLs, facts and actions.

import { copy } from "./clipboard.js";
import { byId, openDialog, show } from "./dom.js";
import { fitted } from "./fitting.js";
import { newKey } from "./http.js";
import { toast } from "./messages.js";
import { Conflict } from "./pictures.js";
import { download } from "./download.js";
import { canWrite } from "./session.js";
import { fill, tag } from "./shown.js";
import { text } from "./texts.js";
import { altOf, format, languageName, size, when } from "./words.js";

const dialog = byId("details");

// What the dialog shows or showed last, a new one each time that it opens: { pictures, image, actions, works, saved,
// sent }. `works`: how many calls are under way. `saved`, `sent`: the texts that are saved, and that are being saved.
let view = null;

const isOpen = (one) => dialog.open && one === view;

// `onDelete(image)`, and `onAssigned(product)` are called after the dialog has closed.
export function openDetails(pictures, image, actions) {
  view = { pictures, image, actions, works: 0, saved: null, sent: null };
  render(view);
  showBusy();
  dialog.onclose = closed;
  openDialog(dialog);
}

export function closeDetails() {
  if (dialog.open) dialog.close();
}

// Closes it without a word about an unsaved text.
function finish() {
  dialog.onclose = null;
  dialog.close();
}

function render(one) {
  const { pictures, image, actions } = one;
  dialog.replaceChildren(byId("details-of").content.cloneNode(true));
  byId("details-title").textContent = image.filename;
  fill(dialog.querySelector(".picture"), image, "(max-width: 760px) 92vw, 430px");
  byId("picture-url").value = image.src;
  byId("picture-tag").value = tag(image);
  for (const button of dialog.querySelectorAll("[data-copy]")) button.onclick = () => copy(byId(button.dataset.copy), button);
  for (const button of dialog.querySelectorAll("[data-close]")) button.onclick = () => dialog.close();
  byId("download").onclick = () => attempt(one, () => download(image));
  byId("details-delete").onclick = () => {
    finish(); // the picture is being deleted, so its unsaved text does not matter
    actions.onDelete(image);
  };
  facts(image);
  for (const id of ["alt-form", "position-form", "replace-form"]) show(byId(id), pictures.isOrdered && canWrite());
  show(byId("assign-form"), !pictures.isOrdered && canWrite());
  if (pictures.isOrdered) {
    describing(one);
    placing(one);
    replacing(one);
  } else {
    assigning(one);
  }
  one.saved = texts();
}

// Shows the picture as it is `now`. The text that is being written stays.
function renew(one, now) {
  const mine = areas();
  const focused = document.activeElement.id;
  one.image = now;
  render(one);
  keep(mine);
  (byId(focused) ?? dialog.querySelector("[data-close]")).focus();
}

function facts(image) {
  const rows = {
    [text("fact.dimensions")]: text("fact.pixels", { width: String(image.width), height: String(image.height) }),
    [text("fact.format")]: format(image),
    [text("fact.size")]: text("fact.size_bytes", { size: size(image.bytes), bytes: image.bytes }),
    [text("fact.source")]: image.source_url ?? text("fact.uploaded"),
    [text("fact.added")]: when(image.created_at),
    [text("fact.changed")]: when(image.updated_at),
  };
  if (!canWrite()) rows[text("details.alt")] = altOf(image) || text("tile.no_alt");
  fillList(dialog.querySelector(".facts-list"), rows);
  fillList(dialog.querySelector(".more-facts dl"), { [text("fact.id")]: image.id, "SHA-256": image.sha256 });
}

function fillList(list, rows) {
  for (const [name, value] of Object.entries(rows)) {
    const [term, fact] = ["dt", "dd"].map((each) => document.createElement(each));
    term.textContent = name;
    fact.textContent = value;
    fact.dir = "auto";
    list.append(term, fact);
  }
}

// Runs `work` and reports an error: in the dialog, or if that has closed or shows another picture, as a message. Returns
// what `work` returns, or undefined if it failed. `action`: the message's button.
async function attempt(one, work, action) {
  if (isOpen(one)) {
    show(byId("details-problem"), false);
    show(byId("details-conflict"), false);
  }
  one.works += 1;
  showBusy();
  try {
    return await work();
  } catch (error) {
    const isConflict = error instanceof Conflict;
    if (!isOpen(one)) tell(one, isConflict ? conflicting() : error.message, { action, stays: 10_000 });
    else if (isConflict) conflict(one);
    else {
      byId("details-problem").textContent = error.message;
      show(byId("details-problem"), true);
    }
  } finally {
    one.works -= 1;
    showBusy();
  }
}

const showBusy = () => dialog.setAttribute("aria-busy", String(view.works > 0));

// A message; it names the picture unless the dialog shows it.
const tell = (one, words, options) => toast(isOpen(one) ? words : `${one.image.filename}: ${words}`, options);

const conflicting = () => `${text("conflict.title")} ${text("conflict.text")}`;

function conflict(one) {
  const [notice, load] = [byId("details-conflict"), byId("details-conflict").querySelector("button")];
  notice.firstElementChild.textContent = conflicting();
  show(load, true);
  show(notice, true);
  load.onclick = () =>
    attempt(one, async () => {
      await one.pictures.load();
      if (!isOpen(one)) return;
      const [before, now] = [one.image, one.pictures.find(one.image.id)];
      if (now) {
        renew(one, now);
        if (texts() !== one.saved) compare(now, before);
      } else {
        finish();
        toast(text("conflict.gone"));
      }
    });
  load.focus();
}

// Shows the text that is now saved beside the unsaved one.
function compare(now, before) {
  const isOther = JSON.stringify(now.alt) !== JSON.stringify(before.alt);
  const notice = byId("details-conflict");
  const theirs = altOf(now) ? text("conflict.their_text", { text: altOf(now) }) : text("conflict.no_text");
  notice.firstElementChild.textContent = isOther ? theirs : text("conflict.other");
  show(notice.querySelector("button"), false);
  show(notice, true);
  areas()[0]?.focus();
}

const areas = () => [...byId("alt-fields").querySelectorAll("textarea")];
const texts = () => JSON.stringify(areas().map((area) => area.value));

// Puts the fields that a text has been written in back, in the place of new ones.
function keep(mine) {
  const written = mine.filter(({ value, defaultValue }) => value !== defaultValue);
  for (const area of areas()) area.replaceWith(written.find(({ name }) => name === area.name) ?? area);
}

function describing(one) {
  const { image } = one;
  const isMap = image.alt !== null && typeof image.alt === "object";
  const alts = isMap ? Object.entries(image.alt) : [["", image.alt ?? ""]];
  for (const [language, alt] of alts) byId("alt-fields").append(altField(language, alt));
  byId("alt-form").onsubmit = async (event) => {
    event.preventDefault();
    const [mine, sent] = [areas(), texts()];
    const said = mine.map((area) => [area.name, area.value.trim()]);
    const alt = isMap ? Object.fromEntries(said) : said[0][1] || null;
    one.sent = sent;
    const now = await attempt(one, () => one.pictures.describe(one.image, alt), back(one, mine));
    if (one.sent === sent) one.sent = null;
    if (!now) return;
    [one.image, one.saved] = [now, sent];
    tell(one, text("details.alt_saved"));
    if (isOpen(one) && texts() === sent) finish();
  };
}

const isUnsaved = () => ![view.saved, view.sent].includes(texts());

// Whether a text is being written, which would be lost if the page were left.
export const isWriting = () => dialog.open && isUnsaved();

// The dialog has closed: a text that is neither saved nor being saved can be gone back to.
function closed() {
  if (dialog.open || !isUnsaved()) return;
  toast(text("details.alt_not_saved"), { action: back(view, areas()), stays: 10_000 });
}

const back = ({ pictures, image, actions }, mine) => [
  text("details.go_back"),
  () => {
    openDetails(pictures, pictures.find(image.id) ?? image, actions);
    keep(mine);
    areas()[0].focus();
  },
];

function altField(language, alt) {
  const field = Object.assign(document.createElement("div"), { className: "field" });
  const id = `alt-${language || "text"}`;
  const label = Object.assign(document.createElement("label"), { htmlFor: id, textContent: language ? text("details.alt_language", { language: languageName(language) }) : text("details.alt") });
  const area = Object.assign(document.createElement("textarea"), { id, name: language, defaultValue: alt, rows: 3, maxLength: 2000, dir: "auto" });
  if (language) area.lang = language;
  const hint = Object.assign(document.createElement("small"), { textContent: text("details.alt_hint") });
  field.append(label, area, ...(language ? [] : [hint]));
  return field;
}

function placing(one) {
  const { pictures, image } = one;
  const input = byId("position");
  const count = pictures.visible.length;
  Object.assign(input, { max: count, value: pictures.visible.findIndex(({ id }) => id === image.id) + 1 });
  byId("of-positions").textContent = text("details.of", { count });
  byId("position-form").onsubmit = async (event) => {
    event.preventDefault();
    const place = input.valueAsNumber;
    const moved = await attempt(one, () => pictures.move(one.image, place - 1));
    if (!moved) return;
    tell(one, text("move.moved", { number: place }));
    if (isOpen(one)) dialog.close();
  };
}

function replacing(one) {
  const progress = byId("replace-progress");
  const [file, url] = [byId("replace-file"), byId("replace-url")];
  const replace = async (source, note = "") => {
    show(progress, true);
    progress.removeAttribute("value");
    const onProgress = (done) => (done < 1 ? (progress.value = done) : progress.removeAttribute("value"));
    const now = await attempt(one, () => one.pictures.replace(one.image, source, { onProgress }));
    show(progress, false);
    if (!now) return;
    tell(one, [text("details.replaced"), note].filter(Boolean).join("\n"));
    if (dialog.open && view.image.id === now.id) renew(view, now);
  };
  byId("replace-file-button").onclick = () => file.click();
  file.accept = byId("files").accept;
  file.onchange = async () => {
    const [chosen] = file.files;
    file.value = "";
    const fit = await attempt(one, () => fitted(chosen));
    if (!fit) return;
    const form = new FormData();
    form.append("file", fit.file, fit.file.name);
    replace({ form }, fit.note);
  };
  byId("replace-form").onsubmit = (event) => {
    event.preventDefault();
    replace({ json: { src: url.value } });
  };
}

function assigning(one) {
  const key = newKey();
  let isUnderWay = false; // a double click assigns it once
  byId("assign-form").onsubmit = async (event) => {
    event.preventDefault();
    if (isUnderWay) return;
    isUnderWay = true;
    const product = byId("assign-to").value;
    const isDone = await attempt(one, async () => {
      await one.pictures.assign(one.image, product, `${key}-${product}`);
      return true;
    });
    isUnderWay = false;
    if (!isDone) return;
    if (isOpen(one)) dialog.close();
    one.actions.onAssigned(product);
  };
}
