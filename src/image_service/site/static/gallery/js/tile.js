// The tile of one picture.

import { clone, show } from "./dom.js";
import { fill, isCropped, ratio } from "./shown.js";
import { text } from "./texts.js";
import { altOf, called, dimensions, format, size } from "./words.js";

// A tile belongs to one state of an image; a changed image gets a new tile.
export function tileOf(image, { isOrdered, onOpen, onEdit, onDelete }) {
  const tile = clone("tile");
  const name = called(image);
  Object.assign(tile.dataset, { id: image.id, called: name });
  const part = (selector) => tile.querySelector(selector);
  const wider = isCropped(image) ? Math.max(1, ratio(image)) : 1; // than the tile, because it fills the tile's height
  fill(part(".picture"), image, `(max-width: 760px) ${Math.round(46 * wider)}vw, ${Math.round(220 * wider)}px`);
  part("img").draggable = false; // stops the browser's own drag; SortableJS drags the whole tile
  part(".name").textContent = image.filename;
  part(".caption").title = `${image.filename}\n${dimensions(image)} · ${format(image)} · ${size(image.bytes)}`;
  part(".alt").textContent = altOf(image) || (isOrdered ? text("tile.no_alt") : "");
  part(".dot").classList.toggle("is-missing", !altOf(image));
  part(".dot").title = altOf(image) || text("tile.no_alt");
  show(part(".move"), isOrdered);
  show(part(".badge"), isOrdered);
  show(part(".dot"), isOrdered);
  const deleteOnce = (_, { detail }) => detail > 1 || onDelete(image); // the second click of two would hit the next tile
  const buttons = {
    ".picture": [text("tile.view", { name }), onOpen],
    ".edit": [text("tile.details", { name }), onEdit],
    ".delete": [text("tile.delete", { name }), deleteOnce],
  };
  for (const [selector, [label, act]] of Object.entries(buttons)) {
    part(selector).setAttribute("aria-label", label);
    part(selector).onclick = (event) => act(image, event);
  }
  return tile;
}

export function number(tile, place) {
  const badge = tile.querySelector(".badge");
  const words = badgeOf(place);
  if (badge.textContent === words) return;
  badge.textContent = words;
  tile.querySelector(".move").setAttribute("aria-label", text("tile.move", { name: tile.dataset.called, number: place + 1 }));
}

export const badgeOf = (place) => (place === 0 ? text("tile.main", { number: 1 }) : String(place + 1));
