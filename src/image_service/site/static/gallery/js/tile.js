// One picture among the others.

import { clone, show } from "./dom.js";
import { fill } from "./shown.js";
import { text } from "./texts.js";
import { altOf, called, dimensions, format, size } from "./words.js";

const WIDTH = "(max-width: 760px) 46vw, 260px"; // of a tile, for the browser to choose by

// `image` does not change within a tile's life: another state of it is another tile.
export function tileOf(image, { isOrdered, onOpen, onEdit, onDelete }) {
  const tile = clone("tile");
  Object.assign(tile.dataset, { id: image.id, called: called(image) });
  const part = (selector) => tile.querySelector(selector);
  fill(part(".picture"), image, WIDTH);
  part("img").draggable = false; // the browser's own dragging; ours is of the whole tile
  part(".name").textContent = image.filename;
  part(".name").title = image.filename;
  part(".alt").textContent = altOf(image) || (isOrdered ? text("tile.no_alt") : "");
  part(".alt").classList.toggle("is-missing", !altOf(image));
  part(".facts").textContent = `${dimensions(image)} · ${format(image)} · ${size(image.bytes)}`;
  show(part(".move"), isOrdered);
  show(part(".badge"), isOrdered);
  show(part(".alt"), isOrdered);
  const name = called(image);
  const buttons = {
    ".picture": [text("tile.view", { name }), onOpen],
    ".edit": [text("tile.details", { name }), onEdit],
    ".delete": [text("tile.delete", { name }), onDelete],
  };
  for (const [selector, [label, act]] of Object.entries(buttons)) {
    part(selector).setAttribute("aria-label", label);
    part(selector).onclick = () => act(image);
  }
  return tile;
}

export function number(tile, place) {
  tile.querySelector(".badge").textContent = place === 0 ? text("tile.main", { number: 1 }) : place + 1;
  tile.querySelector(".move").setAttribute("aria-label", text("tile.move", { name: tile.dataset.called, number: place + 1 }));
}
