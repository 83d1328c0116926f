// Reordering: by pointer (SortableJS) and by keyboard.

import { byId } from "./dom.js";
import { put, renumber } from "./grid.js";
import { say, toast } from "./messages.js";
import { text } from "./texts.js";

const grid = byId("grid");
const places = () => [...grid.children];
let held = null; // by keyboard: { tile, from }
let dragged = null; // by pointer: the tile

export const isMoving = () => isHeld() || Boolean(dragged?.isConnected);

// A tile that is no longer there, because something else was opened, is not held.
function isHeld() {
  if (!held?.tile.isConnected) held = null;
  return held !== null;
}

// `isAllowed()`: whether these pictures can be reordered. `onMove(id, left)`: a picture has a new place, behind those with
// the ids `left`. `onCancel()`: restore the saved order, and draw what has changed while a picture was being moved.
export function startMoving(isAllowed, onMove, onCancel) {
  byPointer(isAllowed, onMove, onCancel);
  byKeyboard(onMove, onCancel);
}

const idOf = ({ dataset }) => Number(dataset.id);
const leftOf = (tile) => places().slice(0, places().indexOf(tile)).map(idOf);

function byPointer(isAllowed, onMove, onCancel) {
  let wasMoved = false;
  const sortable = new Sortable(grid, {
    animation: 160,
    forceFallback: true, // the same in every browser, and never a drag that other pages take for a file
    fallbackOnBody: true,
    fallbackTolerance: 6, // pixels: below that it is a click
    delay: 220, // milliseconds a finger must rest; before that it scrolls
    delayOnTouchOnly: true,
    touchStartThreshold: 6,
    filter: ".edit, .delete",
    preventOnFilter: false,
    ghostClass: "is-place",
    fallbackClass: "is-moving",
    onStart: ({ item }) => {
      wasMoved = true;
      dragged = item;
    },
    onChange: renumber,
    onEnd: ({ item, oldIndex, newIndex }) => {
      setTimeout(() => (wasMoved = false)); // after the click that ends it
      dragged = null;
      if (oldIndex !== newIndex) onMove(idOf(item), leftOf(item));
      else onCancel();
    },
  });
  let pointer = "";
  grid.addEventListener("pointerdown", ({ pointerType }) => {
    pointer = pointerType;
    sortable.option("disabled", !isAllowed());
  }, true);
  // A long press moves the picture; it must not open the browser's context menu.
  grid.addEventListener("contextmenu", (event) => pointer === "touch" && event.preventDefault());
  grid.addEventListener("click", (event) => wasMoved && event.stopPropagation(), true);
}

function byKeyboard(onMove, onCancel) {
  grid.addEventListener("click", (event) => {
    const button = event.target.closest(".move");
    if (!button) return;
    if (isHeld()) drop();
    else if (event.pointerType) toast(text("move.how"));
    else grab(button.closest(".tile"));
  });
  grid.addEventListener("keydown", (event) => {
    if (!isHeld()) return;
    const place = next(event.key, places().indexOf(held.tile));
    if (event.key === "Escape") cancel();
    else if (event.key === "Tab") return; // the focus leaves, which drops the picture
    else if (place === null) return;
    else to(place);
    event.preventDefault();
  });
  grid.addEventListener("focusout", ({ relatedTarget }) => {
    // A tile that is moved in the document loses the focus for a moment; check after it has it again.
    if (isHeld() && !held.tile.contains(relatedTarget)) setTimeout(() => isHeld() && !held.tile.contains(document.activeElement) && cancel());
  });

  function grab(tile) {
    held = { tile, from: places().indexOf(tile) };
    mark(tile, true);
    tile.querySelector(".move").focus();
    say(text("move.picked_up", { number: held.from + 1, count: places().length }));
  }

  function to(place) {
    put(held.tile, place);
    renumber();
    held.tile.scrollIntoView({ block: "nearest" });
    say(text("move.at", { number: place + 1, count: places().length }));
  }

  function drop() {
    const { tile, from } = held;
    held = null;
    mark(tile, false);
    const place = places().indexOf(tile);
    say(text("move.put_down", { number: place + 1 }));
    if (place !== from) onMove(idOf(tile), leftOf(tile));
    else onCancel();
  }

  function cancel() {
    const { tile } = held;
    held = null;
    mark(tile, false);
    onCancel();
    say(text("move.cancelled"));
  }
}

function mark(tile, isHeld) {
  tile.classList.toggle("is-grabbed", isHeld);
  tile.querySelector(".move").setAttribute("aria-pressed", isHeld);
}

// The place after a key press, by the layout on the screen; null if the key does not move.
function next(key, place) {
  const tiles = places();
  const columns = tiles.filter(({ offsetTop }) => offsetTop === tiles[0].offsetTop).length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -place, End: tiles.length };
  if (!(key in steps)) return null;
  return Math.max(0, Math.min(tiles.length - 1, place + steps[key]));
}
