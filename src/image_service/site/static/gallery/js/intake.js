// How pictures get into the page: chosen, dropped, pasted, or by URL.

import { arrivals } from "./arrivals.js";
import { byId, openDialog, show } from "./dom.js";
import { canWrite } from "./session.js";
import { uploads } from "./uploads.js";
import { toast } from "./messages.js";
import { text } from "./texts.js";
import { limits } from "./words.js";

// Files are uploaded; the service fetches URLs. `target()` is the open product's number, or null if none is open.
export function startIntake(target) {
  const give = (sources, product = target()) => {
    if (sources.length === 0) return;
    if (!canWrite()) toast(text("error.read_only"));
    else if (typeof sources[0] === "string") arrivals.add(sources, product);
    else uploads.add(sources, product);
  };
  choosing(give);
  dropping(give, target);
  pasting(give, target);
  asking(give, target);
}

// A phone's picker converts HEIC to JPEG by itself, unless `accept` names HEIC.
const TAKEN = [...limits.formats.map((name) => `image/${name === "jpg" ? "jpeg" : name}`), "image/bmp"];
const ACCEPTED = (matchMedia("(pointer: coarse)").matches ? TAKEN : [...TAKEN, ".heic", ".heif"]).join(",");

function choosing(give) {
  const input = byId("files");
  input.accept = ACCEPTED;
  byId("add").onclick = byId("add-first").onclick = byId("add-unassigned").onclick = () => input.click();
  input.onchange = () => {
    give([...input.files]);
    input.value = ""; // so that the same file can be chosen again
  };
}

// Only files from outside, or a picture from another page, count; tiles that move within this page do not.
function dropping(give, target) {
  let depth = 0;
  let isOwn = false;
  const takes = ({ dataTransfer }) => !isOwn && ["Files", "text/uri-list"].some((type) => dataTransfer.types.includes(type));
  const isBlocked = () => document.querySelector("dialog[open]") !== null;
  const over = (isOver) => {
    byId("drop").textContent = text(target() === null ? "pictures.drop_unassigned" : "pictures.drop");
    show(byId("drop"), isOver && canWrite() && !isBlocked());
  };
  addEventListener("dragstart", () => (isOwn = true));
  addEventListener("dragend", () => (isOwn = false));
  addEventListener("dragenter", (event) => takes(event) && over(++depth > 0));
  addEventListener("dragleave", (event) => takes(event) && over(--depth > 0));
  addEventListener("dragover", (event) => {
    if (!takes(event)) return;
    event.preventDefault(); // otherwise the browser would open the file
    if (isBlocked()) event.dataTransfer.dropEffect = "none"; // the pointer says so, and nothing is dropped
  });
  addEventListener("drop", (event) => {
    if (!takes(event)) return;
    event.preventDefault();
    over((depth = 0) > 0);
    const { files } = event.dataTransfer;
    give(files.length ? [...files] : urls(event.dataTransfer.getData("text/uri-list"), target));
  });
}

function pasting(give, target) {
  addEventListener("paste", (event) => {
    if (event.target.closest("input, textarea, dialog")) return;
    const { files } = event.clipboardData;
    give(files.length ? [...files] : urls(event.clipboardData.getData("text"), target));
  });
}

// Unassigned pictures can only be uploaded as files: the API has no other way.
function urls(pasted, target) {
  const found = pasted.split(/\s+/).filter((word) => /^https?:\/\//i.test(word));
  if (found.length && target() === null) toast(text("upload.url_needs_product"));
  return target() === null ? [] : found;
}

function asking(give, target) {
  const dialog = byId("url-dialog");
  byId("from-url").onclick = () => {
    const product = target(); // Back may open another one behind the dialog
    dialog.querySelector("form").onsubmit = () => give([byId("url").value], product);
    byId("url").value = "";
    openDialog(dialog);
    byId("url").focus();
  };
}
