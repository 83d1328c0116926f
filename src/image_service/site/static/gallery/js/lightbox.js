// The lightbox: one picture over the whole window, with zoom. PhotoSwipe is loaded on first use.

import { put } from "./clipboard.js";
import { download } from "./download.js";
import { toast } from "./messages.js";
import { canWrite } from "./session.js";
import { slide } from "./shown.js";
import { text } from "./texts.js";
import { altOf } from "./words.js";

let open = null;
let latest = 0; // the latest call: while the script loads, another picture may be asked for, or none

// `onEdit(image, field)` opens the details, at `field` if it is given.
export async function openLarge(images, index, onEdit) {
  const mine = ++latest;
  const { default: PhotoSwipe } = await import("../vendor/photoswipe/photoswipe.esm.min.js");
  if (mine !== latest || open) return;
  const box = new PhotoSwipe({
    dataSource: images.map(slide),
    index,
    bgOpacity: 1,
    showHideAnimationType: "fade",
    wheelToZoom: true,
    errorMsg: text("lightbox.not_loaded"),
    closeTitle: text("lightbox.close"),
    zoomTitle: text("lightbox.zoom"),
    arrowPrevTitle: text("lightbox.previous"),
    arrowNextTitle: text("lightbox.next"),
  });
  const shown = () => images[box.currIndex];
  const edit = (field) => {
    const image = shown();
    box.on("destroy", () => setTimeout(() => onEdit(image, field))); // after the focus has returned to the tile
    box.close();
  };
  box.on("uiRegister", () => {
    button("edit", 11, text("tile.details_short"), () => edit(), canWrite() ? "edit" : "info");
    button("copy", 12, text("lightbox.copy"), (element) => put(shown().src).then(() => done(element)));
    button("download", 13, text("details.download"), () => download(shown()).catch((error) => toast(error.message)));
    caption(box, shown, () => edit("alt-text"));
  });
  box.on("contentAppend", ({ content }) => content.element?.classList.toggle("has-alpha", Boolean(content.data.hasAlpha)));
  box.on("afterInit", () => box.element.setAttribute("aria-label", text("lightbox.label")));
  box.on("destroy", () => (open = null));
  open = box;
  box.init();

  function button(name, order, title, onPress, icon = name) {
    const html = `<svg class="icon" aria-hidden="true"><use href="#i-${icon}"/></svg>`;
    box.ui.registerElement({ name, order, title, html, isButton: true, onClick: (_, element) => onPress(element) });
  }
}

// The alt text, with a button that edits it if the token may write.
function caption(box, shown, onPress) {
  const [words, change] = ["p", "button"].map((each) => document.createElement(each));
  Object.assign(words, { dir: "auto" });
  Object.assign(change, { type: "button", onclick: onPress, hidden: !canWrite() });
  const fill = () => {
    const alt = altOf(shown());
    words.textContent = alt || text("tile.no_alt");
    change.textContent = text(alt ? "lightbox.edit_alt" : "lightbox.add_alt");
  };
  box.ui.registerElement({
    name: "caption",
    order: 9,
    isButton: false,
    appendTo: "root",
    onInit: (element) => {
      element.append(words, change);
      box.on("change", fill);
    },
  });
}

function done(element) {
  const use = element.querySelector("use");
  use.setAttribute("href", "#i-done");
  setTimeout(() => use.setAttribute("href", "#i-copy"), 1500);
}

export function closeLarge() {
  latest += 1;
  open?.close();
}
