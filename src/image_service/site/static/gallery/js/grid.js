// All pictures of what is open, each in a tile, in the order of the gallery.

import { byId } from "./dom.js";
import { locale } from "./texts.js";
import { badgeOf, number, tileOf } from "./tile.js";

const grid = byId("grid");
const tiles = new Map(); // id -> { tile, state }

// Tiles stay who they are for as long as their picture does: nothing is loaded twice, and the focus stays.
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

// As they lie now, which while one is moved is not yet how they are saved.
export function renumber() {
  [...grid.children].forEach(number);
  const carried = document.querySelector("body > .tile"); // what the pointer carries is a copy, outside of the grid
  if (carried) carried.querySelector(".badge").textContent = badgeOf([...grid.children].findIndex(({ dataset }) => dataset.id === carried.dataset.id));
}

export function put(tile, place) {
  const focused = tile.contains(document.activeElement) ? document.activeElement : null;
  const others = [...grid.children].filter((each) => each !== tile);
  grid.insertBefore(tile, others[place] ?? null);
  focused?.focus(); // an element that is taken out loses it
}

function forget(id, tile) {
  const next = tile.contains(document.activeElement) && (tile.nextElementSibling ?? tile.previousElementSibling);
  tile.remove();
  tiles.delete(id);
  if (next) next.querySelector(".picture").focus();
}
