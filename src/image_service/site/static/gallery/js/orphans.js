// The pictures on no product, by id, a page at a time.

import { api } from "./http.js";
import { asConflict, Pictures } from "./pictures.js";

const PER_PAGE = 60;

export class Orphans extends Pictures {
  isOrdered = false;
  #since = 0;

  constructor() {
    super(null);
  }

  // As many as were shown before, or the first page.
  load() {
    return this.inTurn(async () => {
      const found = [];
      let rest;
      do {
        rest = await this.#page(found);
      } while (rest > 0 && found.length < this.images.length);
      this.#take(found, rest);
    });
  }

  more() {
    return this.inTurn(async () => {
      const found = this.images.filter(({ id }) => id <= this.#since);
      this.#take(found, await this.#page(found));
    });
  }

  get hasMore() {
    return this.total > this.images.length;
  }

  // Adds a page to those found; returns how many are left. Pages by id, so that additions and deletions shift nothing.
  async #page(found) {
    const query = `assigned=false&fields=all&per_page=${PER_PAGE}&since_id=${found.at(-1)?.id ?? 0}`;
    const { body, header } = await api("GET", `images?${query}`);
    found.push(...body);
    return Number(header("X-Total-Count")) - body.length;
  }

  // Uploads of this page that are newer than the last one found stay.
  #take(found, rest) {
    const last = found.at(-1)?.id ?? 0;
    const newer = rest > 0 ? this.images.filter(({ id }) => id > last) : [];
    this.images = [...found, ...newer];
    this.total = found.length + rest;
    this.#since = last;
    this.changed();
  }

  #gone(image) {
    if (!this.find(image.id)) return;
    this.images = this.images.filter(({ id }) => id !== image.id);
    this.total -= 1;
    this.changed();
  }

  remove(image) {
    return this.#without(image, () => api("DELETE", this.lastCall(image).path), { isKept: true });
  }

  assign(image, product, key) {
    const asked = { json: { image_id: image.id }, key, outlivesLoss: true };
    return this.#without(image, () => api("POST", `products/${product}/images`, asked));
  }

  #without(image, ask, options) {
    return this.change(async () => {
      try {
        await ask();
      } catch (error) {
        throw asConflict(error);
      }
      this.#gone(image);
    }, options);
  }

  // If it has been assigned to a product meanwhile, it is not deleted from there: 404.
  lastCall(image) {
    return { path: `images/${image.id}?assigned=false` };
  }

  added(image) {
    if (this.find(image.id)) return;
    this.images.push(image);
    this.total += 1;
    this.changed();
  }
}
