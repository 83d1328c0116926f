// One picture among the others.

import { clone, show } from "./dom.js";
import { fill } from "./shown.js";
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
  part(".alt").textContent = altOf(image) || (isOrdered ? "No alt text yet" : "");
  part(".alt").classList.toggle("is-missing", !altOf(image));
  part(".facts").textContent = `${dimensions(image)} · ${format(image)} · ${size(image.bytes)}`;
  show(part(".move"), isOrdered);
  show(part(".badge"), isOrdered);
  show(part(".alt"), isOrdered);
  const buttons = { ".picture": ["Open large", onOpen], ".edit": ["Details of", onEdit], ".delete": ["Delete", onDelete] };
  for (const [selector, [verb, act]] of Object.entries(buttons)) {
    part(selector).setAttribute("aria-label", `${verb} ${called(image)}`);
    part(selector).title = { ".picture": "", ".edit": "Details", ".delete": "Delete" }[selector];
    part(selector).onclick = () => act(image);
  }
  part(".move").title = "Drag, or press Space and use the arrow keys";
  return tile;
}

export function number(tile, place) {
  tile.querySelector(".badge").textContent = place === 0 ? "1 · Main" : place + 1;
  tile.querySelector(".move").setAttribute("aria-label", `Move ${tile.dataset.called}, number ${place + 1}`);
}
