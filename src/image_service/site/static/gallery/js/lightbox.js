// One picture over the whole window, to be zoomed into: PhotoSwipe, which is loaded when it is first needed.

import { slide } from "./shown.js";
import { text } from "./texts.js";
import { altOf } from "./words.js";

let open = null;

export async function openLarge(images, index) {
  const { default: PhotoSwipe } = await import("../vendor/photoswipe/photoswipe.esm.min.js");
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
  box.on("uiRegister", () => {
    box.ui.registerElement({
      name: "caption",
      order: 9,
      isButton: false,
      appendTo: "root",
      onInit: (element) => box.on("change", () => (element.textContent = altOf(images[box.currIndex]))),
    });
  });
  box.on("contentAppend", ({ content }) => content.element?.classList.toggle("has-alpha", Boolean(content.data.hasAlpha)));
  box.on("afterInit", () => box.element.setAttribute("aria-label", text("lightbox.label")));
  box.on("destroy", () => (open = null));
  open = box;
  box.init();
}

export const closeLarge = () => open?.close();
