// The pictures of one gallery, as the page knows them. A "change" event tells the views to draw.

import { Refused } from "./http.js";
import { text } from "./texts.js";

// Someone else changed the gallery first, so the change was not made.
export class Conflict extends Error {
  constructor() {
    super(text("conflict.title"));
  }
}

export const asConflict = (error) => (error instanceof Refused && [404, 412].includes(error.status) ? new Conflict() : error);

// Changes under way that would be lost if the page were left now. Deletions are not: see `removal.js`.
const unsaved = new Set();
const atWork = new Map(); // product -> its Pictures, while changes of them are under way

// Counts `work` among them until it has ended.
export function saving(work) {
  unsaved.add(work);
  const end = () => unsaved.delete(work);
  work.then(end, end);
  return work;
}

export const isChanging = () => unsaved.size > 0;

// Resolves when all changes that are under way now have ended: true if all of them were made.
export const settled = async () => (await Promise.allSettled([...unsaved])).every(({ status }) => status === "fulfilled");

// Resolves when the changes of a product's pictures that are under way now have ended.
export const atRest = (product) => atWork.get(product)?.inTurn(() => {});

// Pictures that are opened again while changes of them are under way are the same object as before.
export const resumed = (fresh) => atWork.get(fresh.product) ?? fresh;

export class Pictures extends EventTarget {
  images = []; // as saved
  total = 0;
  isLoaded = false;
  changes = 0; // under way
  #hidden = new Set(); // ids of pictures that are about to be deleted
  #last = Promise.resolve();

  // `product`: a product's number, or null for the unassigned ones.
  constructor(product) {
    super();
    this.product = product;
  }

  // As the user sees them.
  get visible() {
    return this.images.filter(({ id }) => !this.#hidden.has(id));
  }

  find(id) {
    return this.images.find((image) => image.id === id);
  }

  hide(image) {
    this.#hidden.add(image.id);
    this.changed();
  }

  unhide(image) {
    this.#hidden.delete(image.id);
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  // Changes and loads run one after the other: each needs the ETag that the one before returned.
  inTurn(work) {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => {});
    return mine;
  }

  // `isKept`: leaving the page does not lose it.
  change(work, { isKept = false } = {}) {
    const mine = this.inTurn(work);
    const end = () => {
      this.changes -= 1;
      if (this.changes === 0) atWork.delete(this.product);
    };
    if (!isKept) saving(mine);
    this.changes += 1;
    atWork.set(this.product, this);
    mine.then(end, end);
    return mine;
  }
}
