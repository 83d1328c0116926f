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

// `onDelete(image)`, and `onAssigned(product)` are called after the dialog has closed.
export function openDetails(pictures, image, actions) {
  render(pictures, image, actions);
  openDialog(dialog);
}

export function closeDetails() {
  if (dialog.open) dialog.close();
}

function render(pictures, image, actions) {
  dialog.onclose = null;
  dialog.replaceChildren(byId("details-of").content.cloneNode(true));
  byId("details-title").textContent = image.filename;
  fill(dialog.querySelector(".picture"), image, "(max-width: 760px) 92vw, 430px");
  byId("picture-url").value = image.src;
  byId("picture-tag").value = tag(image);
  for (const button of dialog.querySelectorAll("[data-copy]")) button.onclick = () => copy(byId(button.dataset.copy), button);
  for (const button of dialog.querySelectorAll("[data-close]")) button.onclick = () => dialog.close();
  byId("download").onclick = () => attempt(pictures, image, actions, () => download(image));
  byId("details-delete").onclick = () => {
    dialog.onclose = null; // the picture is being deleted, so its unsaved text does not matter
    dialog.close();
    actions.onDelete(image);
  };
  facts(image);
  for (const id of ["alt-form", "position-form", "replace-form"]) show(byId(id), pictures.isOrdered && canWrite());
  show(byId("assign-form"), !pictures.isOrdered && canWrite());
  if (pictures.isOrdered) {
    describing(pictures, image, actions);
    placing(pictures, image, actions);
    replacing(pictures, image, actions);
  } else {
    assigning(pictures, image, actions);
  }
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

// Runs `work` and reports an error. Returns what `work` returns, or undefined if it failed.
async function attempt(pictures, image, actions, work) {
  show(byId("details-problem"), false);
  show(byId("details-conflict"), false);
  dialog.setAttribute("aria-busy", "true");
  try {
    return await work();
  } catch (error) {
    if (error instanceof Conflict) conflict(pictures, image, actions);
    else {
      byId("details-problem").textContent = error.message;
      show(byId("details-problem"), true);
    }
  } finally {
    dialog.removeAttribute("aria-busy");
  }
}

function conflict(pictures, image, actions) {
  const [notice, load] = [byId("details-conflict"), byId("details-conflict").querySelector("button")];
  notice.firstElementChild.textContent = `${text("conflict.title")} ${text("conflict.text")}`;
  show(load, true);
  show(notice, true);
  load.onclick = () =>
    attempt(pictures, image, actions, async () => {
      const mine = drafts();
      await pictures.load();
      const now = pictures.find(image.id);
      if (!now) {
        dialog.onclose = null;
        dialog.close();
        toast(text("conflict.gone"));
        return;
      }
      render(pictures, now, actions);
      restore(mine, now, image);
    });
  load.focus();
}

const areas = () => [...byId("alt-fields").querySelectorAll("textarea")];
const drafts = () => new Map(areas().map((area) => [area.name, area.value]));

// Keeps the unsaved text in the field, and shows the text that is now saved beside it.
function restore(mine, now, before) {
  const isOther = JSON.stringify(now.alt) !== JSON.stringify(before.alt);
  const notice = byId("details-conflict");
  const theirs = altOf(now) ? text("conflict.their_text", { text: altOf(now) }) : text("conflict.no_text");
  notice.firstElementChild.textContent = isOther ? theirs : text("conflict.other");
  show(notice.querySelector("button"), false);
  show(notice, true);
  for (const area of areas()) area.value = mine.get(area.name) ?? area.value;
  areas()[0]?.focus();
}

function describing(pictures, image, actions) {
  const isMap = image.alt !== null && typeof image.alt === "object";
  const texts = isMap ? Object.entries(image.alt) : [["", image.alt ?? ""]];
  for (const [language, alt] of texts) byId("alt-fields").append(altField(language, alt));
  keeping(pictures, image, actions);
  byId("alt-form").onsubmit = async (event) => {
    event.preventDefault();
    const said = areas().map((area) => [area.name, area.value.trim()]);
    const alt = isMap ? Object.fromEntries(said) : said[0][1] || null;
    const saved = await attempt(pictures, image, actions, () => pictures.describe(image, alt));
    if (!saved) return;
    dialog.onclose = null;
    dialog.close();
    toast(text("details.alt_saved"));
  };
}

// Closing with an unsaved text offers a way back to it.
function keeping(pictures, image, actions) {
  const first = JSON.stringify([...drafts()]);
  dialog.onclose = () => {
    const mine = drafts();
    if (JSON.stringify([...mine]) === first) return;
    const goBack = () => {
      openDetails(pictures, pictures.find(image.id) ?? image, actions);
      for (const area of areas()) area.value = mine.get(area.name) ?? area.value;
      areas()[0].focus();
    };
    toast(text("details.alt_not_saved"), { action: [text("details.go_back"), goBack], stays: 10_000 });
  };
}

function altField(language, alt) {
  const field = Object.assign(document.createElement("div"), { className: "field" });
  const id = `alt-${language || "text"}`;
  const label = Object.assign(document.createElement("label"), { htmlFor: id, textContent: language ? text("details.alt_language", { language: languageName(language) }) : text("details.alt") });
  const area = Object.assign(document.createElement("textarea"), { id, name: language, value: alt, rows: 3, maxLength: 2000, dir: "auto" });
  if (language) area.lang = language;
  const hint = Object.assign(document.createElement("small"), { textContent: text("details.alt_hint") });
  field.append(label, area, ...(language ? [] : [hint]));
  return field;
}

function placing(pictures, image, actions) {
  const input = byId("position");
  const count = pictures.visible.length;
  Object.assign(input, { max: count, value: pictures.visible.findIndex(({ id }) => id === image.id) + 1 });
  byId("of-positions").textContent = text("details.of", { count });
  byId("position-form").onsubmit = async (event) => {
    event.preventDefault();
    const moved = await attempt(pictures, image, actions, () => pictures.move(image, input.valueAsNumber - 1));
    if (!moved) return;
    dialog.close();
    toast(text("move.moved", { number: input.valueAsNumber }));
  };
}

function replacing(pictures, image, actions) {
  const progress = byId("replace-progress");
  const [file, url] = [byId("replace-file"), byId("replace-url")];
  const replace = async (source, note = "") => {
    show(progress, true);
    progress.removeAttribute("value");
    const onProgress = (done) => (done < 1 ? (progress.value = done) : progress.removeAttribute("value"));
    const now = await attempt(pictures, image, actions, () => pictures.replace(image, source, { onProgress }));
    show(progress, false);
    if (!now) return;
    render(pictures, now, actions);
    toast([text("details.replaced"), note].filter(Boolean).join("\n"));
    dialog.querySelector("[data-close]").focus();
  };
  byId("replace-file-button").onclick = () => file.click();
  file.accept = byId("files").accept;
  file.onchange = async () => {
    const [chosen] = file.files;
    file.value = "";
    const fit = await attempt(pictures, image, actions, () => fitted(chosen));
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

function assigning(pictures, image, actions) {
  const key = newKey();
  byId("assign-form").onsubmit = async (event) => {
    event.preventDefault();
    const product = byId("assign-to").value;
    const isDone = await attempt(pictures, image, actions, async () => {
      await pictures.assign(image, product, `${key}-${product}`);
      return true;
    });
    if (!isDone) return;
    dialog.close();
    actions.onAssigned(product);
  };
}
