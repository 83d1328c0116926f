// The list of uploads in the corner of the page.

import { byId, clone, show } from "./dom.js";
import { say, toast } from "./messages.js";
import { onLanguage, text } from "./texts.js";
import { uploads } from "./uploads.js";
import { percent } from "./words.js";

const ENDED = new Set(["refused", "twice"]);

const rows = new Map(); // upload -> its row

export function startTray() {
  onLanguage(draw);
  uploads.addEventListener("change", draw);
  uploads.addEventListener("refused", ({ detail: { upload } }) => say(`${upload.name}: ${upload.message}`));
  uploads.addEventListener("drained", ({ detail }) => detail.added && toldOf(detail));
  byId("close-tray").onclick = () => uploads.clear();
}

// The toast says where unassigned pictures went, because the user may have something else open.
function toldOf({ added, unassigned, notes }) {
  const isElsewhere = unassigned > 0 && location.hash !== "#/orphans";
  const words = [text(isElsewhere ? "upload.added_unassigned" : "upload.added", { count: added }), ...notes].join("\n");
  toast(words, isElsewhere ? { action: [text("upload.show"), () => (location.hash = "#/orphans")], stays: 10_000 } : { stays: notes.length ? 10_000 : undefined });
}

function draw() {
  show(byId("tray"), uploads.list.length > 0);
  const waiting = uploads.list.filter(({ state }) => !ENDED.has(state)).length;
  const refused = uploads.list.length - waiting;
  const title = waiting ? text("upload.progress", { number: uploads.done + 1, count: uploads.done + waiting }) : text("upload.not_added", { count: refused });
  byId("tray-title").textContent = title;
  show(byId("close-tray"), waiting === 0);
  for (const [upload, row] of rows) {
    if (uploads.list.includes(upload)) continue;
    const preview = row.querySelector("img");
    if (preview) URL.revokeObjectURL(preview.src);
    row.remove();
    rows.delete(upload);
  }
  for (const upload of uploads.list) fill(rows.get(upload) ?? made(upload), upload);
}

function made(upload) {
  const row = clone("upload-row");
  row.querySelector(".name").textContent = upload.name;
  row.querySelector("progress").setAttribute("aria-label", upload.name);
  row.querySelector(".thumb").append(preview(upload.source));
  row.querySelector(".again").onclick = () => uploads.again(upload);
  row.querySelector(".end").onclick = () => uploads.cancel(upload);
  byId("rows").append(row);
  rows.set(upload, row);
  return row;
}

function preview(source) {
  const img = Object.assign(new Image(44, 44), { alt: "", src: URL.createObjectURL(source) });
  img.onerror = () => img.replaceWith(icon("i-picture")); // this browser cannot show it
  return img;
}

function icon(name) {
  const holder = document.createElement("span");
  holder.innerHTML = `<svg class="icon" aria-hidden="true"><use href="#${name}"/></svg>`;
  return holder.firstElementChild;
}

const STATES = {
  waiting: () => text("upload.waiting"),
  preparing: () => text("upload.preparing"),
  sending: ({ progress }) => text("upload.sending", { percent: percent(progress) }),
  checking: () => text("upload.checking"),
  pausing: ({ message }) => message,
  refused: ({ message }) => message,
  twice: ({ message }) => message,
};

function fill(row, upload) {
  const { name } = upload;
  const isRefused = ENDED.has(upload.state);
  const isTwice = upload.state === "twice";
  row.querySelector(".again").setAttribute("aria-label", text(isTwice ? "upload.add_again" : "upload.retry", { name }));
  row.classList.toggle("is-refused", isRefused);
  row.querySelector(".state").textContent = [STATES[upload.state](upload), upload.note].filter(Boolean).join(" · ");
  row.querySelector(".end").setAttribute("aria-label", text(isRefused ? "upload.dismiss" : "upload.cancel", { name }));
  row.querySelector(".again use").setAttribute("href", isTwice ? "#i-add" : "#i-again");
  show(row.querySelector(".again"), isTwice || (isRefused && upload.mayRetry));
  const progress = row.querySelector("progress");
  show(progress, !isRefused);
  if (upload.state === "sending") progress.value = upload.progress;
  else if (upload.state === "waiting") progress.value = 0;
  else progress.removeAttribute("value"); // no known length
}
