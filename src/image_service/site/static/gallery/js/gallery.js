// The pictures of a product, in their order. Each change is guarded by the gallery's ETag.

import { api } from "./http.js";
import { asConflict, Conflict, Pictures } from "./pictures.js";

// The gallery's revision out of an ETag, without the page's part.
const revision = (etag) => /"(\d+)-/.exec(etag)[1];

const seen = (images) => JSON.stringify(images.map(({ id, src, alt }) => [id, src, alt]));

// `images` with one of them behind those that were left of it: `left` has their ids.
export function moved(images, { id, left }) {
  const one = images.find((image) => image.id === id);
  if (!one) return images;
  const rest = images.filter((image) => image !== one);
  rest.splice(behind(rest, left), 0, one);
  return rest;
}

const behind = (images, left) => images.findLastIndex(({ id }) => left.includes(id)) + 1;

export class Gallery extends Pictures {
  isOrdered = true;
  #etag = null;
  #made = 0; // changes that this page has made after #etag
  #late = []; // uploads of this page that were added while the gallery was being loaded
  #moves = []; // that are not saved yet, oldest first: { id, left }
  #next = new WeakMap(); // a picture -> what this page has made of it

  constructor(product) {
    super(product);
    this.address = `products/${product}/images`;
  }

  get visible() {
    return this.#moves.reduce(moved, super.visible);
  }

  load() {
    return this.inTurn(async () => this.#take(await this.#fetched()));
  }

  // All pages of one revision: if the gallery changes between two pages, it starts again. The answers may be older than an
  // upload that was added meanwhile: it is put behind the others, and counts as made after their revision.
  async #fetched() {
    const images = [];
    this.#late = [];
    let etag = null;
    for (let page = 1; ; page += 1) {
      const { body, header } = await api("GET", `${this.address}?fields=all&per_page=200&page=${page}`);
      if (etag !== null && revision(header("ETag")) !== revision(etag)) return this.#fetched();
      etag = header("ETag");
      images.push(...body);
      if (images.length >= Number(header("X-Total-Count"))) break;
    }
    const late = this.#late.filter(({ id }) => images.every((image) => image.id !== id));
    return { images: [...images, ...late], etag, made: late.length };
  }

  #take({ images, etag, made }) {
    this.images = images;
    this.total = images.length;
    this.#etag = etag;
    this.#made = made;
    this.changed();
  }

  // Loads what has changed since. More pictures are no conflict: this page may be adding them. Those that are shown must be
  // as they are shown, and in the same order.
  async #catchUp() {
    const fresh = await this.#fetched();
    const ids = new Set(this.images.map(({ id }) => id));
    if (seen(fresh.images.filter(({ id }) => ids.has(id))) !== seen(this.images)) throw new Conflict();
    this.#take(fresh);
  }

  // `image`: as it was shown when the user decided on the change. `options()` is asked in the change's turn. While pictures
  // are being added, it tries as often as one has come first.
  async #edit(image, method, options) {
    try {
      if (this.#made > 0) await this.#catchUp();
      for (;;) {
        const before = this.#etag;
        const known = this.find(image.id);
        const meant = this.#latest(image);
        const asked = options();
        if (!known || known.src !== meant.src || ("json" in asked && seen([known]) !== seen([meant]))) throw new Conflict();
        try {
          return await api(method, `${this.address}/${image.id}?fields=all`, { ...asked, ifMatch: before });
        } catch (error) {
          if (error.status !== 412) throw error;
        }
        await this.#catchUp();
        if (this.#etag === before) throw new Conflict(); // nothing has changed: it would be refused again
      }
    } catch (error) {
      throw asConflict(error);
    }
  }

  #latest(image) {
    return this.#next.has(image) ? this.#latest(this.#next.get(image)) : image;
  }

  #put(image, options) {
    return this.change(async () => {
      const { body, header } = await this.#edit(image, "PUT", options);
      if (!("alt" in (options().json ?? {}))) body.alt = this.find(image.id).alt; // a form's answer has the alt text in another shape
      this.#next.set(this.#latest(image), body);
      this.#next.set(this.find(image.id), body);
      this.#etag = header("ETag");
      this.images = this.images.filter(({ id }) => id !== body.id);
      this.images.splice(body.position - 1, 0, body);
      this.changed();
      return body;
    });
  }

  describe(image, alt) {
    return this.#put(image, () => ({ json: { alt } }));
  }

  replace(image, source, options) {
    return this.#put(image, () => ({ ...options, ...source }));
  }

  // `place` counts the visible pictures, from 0.
  move(image, place) {
    const others = this.visible.filter(({ id }) => id !== image.id);
    return this.moveBehind(image, others.slice(0, place).map(({ id }) => id));
  }

  // `left`: the ids of all pictures that are then left of it. Those that are about to be deleted still have positions.
  async moveBehind(image, left) {
    const one = { id: image.id, left };
    this.#moves.push(one);
    this.changed();
    const position = () => behind(this.images.filter(({ id }) => id !== image.id), left) + 1;
    try {
      return await this.#put(image, () => ({ json: { position: position() } }));
    } finally {
      this.#moves = this.#moves.filter((each) => each !== one);
      this.changed();
    }
  }

  async remove(image) {
    await this.change(
      async () => {
        await this.#edit(image, "DELETE", () => ({}));
        this.images = this.images.filter(({ id }) => id !== image.id);
        this.total = this.images.length;
        this.#made += 1;
      },
      { isKept: true },
    );
    await this.load().catch(() => {}); // the next change loads it
  }

  // What to send when there is no time to load first. Each change that this page has made since the ETag has added one to the
  // revision; `others` that are under way may have added one each.
  lastCall(image, others) {
    const path = `${this.address}/${image.id}`;
    if (this.#etag === null) return { path }; // an upload of this page: nothing else has been shown yet
    const now = Number(revision(this.#etag)) + this.#made;
    const steps = Array.from({ length: others + this.changes + 1 }, (_, step) => `"${now + step}-any"`);
    return { path, ifMatch: steps.join(", ") };
  }

  // This page has changed the gallery by another call.
  made() {
    this.#made += 1;
  }

  // An upload of this page has been added.
  added(image) {
    if (this.find(image.id)) return;
    this.images.splice(image.position - 1, 0, image);
    this.total = this.images.length;
    this.#made += 1;
    this.#late.push(image);
    this.changed();
  }
}
