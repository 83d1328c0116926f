// The grid: a tile for each picture of the open gallery, in its order.

import { byId } from "./dom.js";
import { locale } from "./texts.js";
import { badgeOf, number, tileOf } from "./tile.js";

const grid = byId("grid");
const tiles = new Map(); // id -> { tile, state }

// A tile is reused while its picture is unchanged, so that nothing loads twice and the focus stays.
export function draw(images, options) {
  const wanted = new Set(images.map(({ id }) => id));
  for (const [id, { tile }] of tiles) if (!wanted.has(id)) forget(id, tile);
  images.forEach((image, place) => {
    const state = JSON.stringify([image.src, image.alt, options.isOrdered, locale()]);
    let known = tiles.get(image.id);
    if (known?.state !== state) {
      const tile = tileOf(image, options);
      const focused = known?.tile.contains(document.activeElement) && document.activeElement.className;
      known?.tile.replaceWith(tile);
      known = { tile, state };
      tiles.set(image.id, known);
      if (focused) tile.getElementsByClassName(focused)[0]?.focus();
    }
    if (grid.children[place] !== known.tile) put(known.tile, place);
  });
  renumber();
}

export const focusOn = ({ id }) => tiles.get(id)?.tile.querySelector(".picture").focus();

// The order on the screen. While a tile is being moved, the saved order is still the old one.
export function renumber() {
  [...grid.children].forEach(number);
  const carried = document.querySelector("body > .tile"); // the pointer carries a copy, outside the grid
  if (carried) carried.querySelector(".badge").textContent = badgeOf([...grid.children].findIndex(({ dataset }) => dataset.id === carried.dataset.id));
}

export function put(tile, place) {
  const focused = tile.contains(document.activeElement) ? document.activeElement : null;
  const others = [...grid.children].filter((each) => each !== tile);
  grid.insertBefore(tile, others[place] ?? null);
  focused?.focus(); // an element that is moved in the document loses the focus
}

function forget(id, tile) {
  const next = tile.contains(document.activeElement) && (tile.nextElementSibling ?? tile.previousElementSibling);
  tile.remove();
  tiles.delete(id);
  if (next) next.querySelector(".picture").focus();
}
