// The pictures of one gallery, as the page knows them. A "change" event tells the views to draw.

import { api, Refused } from "./http.js";
import { text } from "./texts.js";

// Someone else changed the gallery first, so the change was not made.
export class Conflict extends Error {
  constructor() {
    super(text("conflict.title"));
  }
}

class Pictures extends EventTarget {
  images = [];
  total = 0;
  isLoaded = false;
  #hidden = new Set(); // ids of pictures that are about to be deleted
  #last = Promise.resolve();

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

  // Changes run one after the other: each needs the ETag that the one before returned.
  inTurn(work) {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => {});
    return mine;
  }
}

// The gallery's revision out of an ETag, without the page's part.
const revision = (etag) => /"(\d+)-/.exec(etag)[1];

const asConflict = (error) => (error instanceof Refused && [404, 412].includes(error.status) ? new Conflict() : error);

export class Gallery extends Pictures {
  isOrdered = true;
  #etag = null;
  #made = 0; // changes that this page has made after #etag

  constructor(product) {
    super();
    this.product = product;
    this.address = `products/${product}/images`;
  }

  load() {
    return this.inTurn(async () => {
      this.#take(await this.#fetched());
      this.changed();
    });
  }

  // All pages of one revision: if the gallery changes between two pages, it starts again.
  async #fetched() {
    const images = [];
    let etag = null;
    for (let page = 1; ; page += 1) {
      const { body, header } = await api("GET", `${this.address}?fields=all&per_page=200&page=${page}`);
      if (etag !== null && revision(header("ETag")) !== revision(etag)) return this.#fetched();
      etag = header("ETag");
      images.push(...body);
      if (images.length >= Number(header("X-Total-Count"))) return { images, etag };
    }
  }

  #take({ images, etag }) {
    this.images = images;
    this.total = images.length;
    this.#etag = etag;
    this.#made = 0;
  }

  // This page's uploads and deletions carry no condition, and their answers do not tell whether someone else changed
  // something too. So the next change loads the gallery first; a difference from what is shown is a conflict.
  async #catchUp() {
    if (this.#made === 0) return;
    const fresh = await this.#fetched();
    if (seen(fresh.images) !== seen(this.images)) throw new Conflict();
    this.#take(fresh);
  }

  // `image`: as it was shown when the user decided on the change.
  #edit(image, method, options) {
    return this.inTurn(async () => {
      try {
        await this.#catchUp();
        const known = this.find(image.id);
        if (!known || known.src !== image.src || ("json" in options && seen([known]) !== seen([image]))) throw new Conflict();
        return await api(method, `${this.address}/${image.id}?fields=all`, { ...options, ifMatch: this.#etag });
      } catch (error) {
        throw asConflict(error);
      }
    });
  }

  async #put(image, options) {
    const { body, header } = await this.#edit(image, "PUT", options);
    if (!("alt" in (options.json ?? {}))) body.alt = image.alt; // a form's answer has the alt text in another shape
    this.#etag = header("ETag");
    this.images = this.images.filter(({ id }) => id !== body.id);
    this.images.splice(body.position - 1, 0, body);
    this.changed();
    return body;
  }

  describe(image, alt) {
    return this.#put(image, { json: { alt } });
  }

  replace(image, source, options) {
    return this.#put(image, { ...options, ...source });
  }

  // `place` counts the visible pictures, from 0. Pictures that are about to be deleted still have positions.
  move(image, place) {
    const others = this.visible.filter(({ id }) => id !== image.id);
    const rest = this.images.filter(({ id }) => id !== image.id);
    const position = place === 0 ? 1 : rest.indexOf(others[Math.min(place, others.length) - 1]) + 2;
    return this.#put(image, { json: { position } });
  }

  async remove(image) {
    await this.#edit(image, "DELETE", {});
    this.images = this.images.filter(({ id }) => id !== image.id);
    this.total = this.images.length;
    this.#made += 1;
    await this.load();
  }

  // What to send when there is no time to load first. Each change that this page has made since the ETag has added one
  // to the revision; each of the `others` that are deleted at the same moment adds one, in any order.
  lastCall(image, others) {
    const now = Number(revision(this.#etag)) + this.#made;
    const steps = Array.from({ length: others + 1 }, (_, step) => `"${now + step}-any"`);
    return { path: `${this.address}/${image.id}`, ifMatch: steps.join(", ") };
  }

  // An upload of this page has been added.
  added(image) {
    if (this.find(image.id)) return;
    this.images.splice(image.position - 1, 0, image);
    this.total = this.images.length;
    this.#made += 1;
    this.changed();
  }
}

const seen = (images) => JSON.stringify(images.map(({ id, src, alt }) => [id, src, alt]));

const PER_PAGE = 60;

export class Orphans extends Pictures {
  isOrdered = false;
  product = null;
  #since = 0;

  async load() {
    await this.inTurn(async () => {
      this.images = [];
      this.#since = 0;
      await this.#page();
    });
  }

  more() {
    return this.inTurn(() => this.#page());
  }

  get hasMore() {
    return this.total > this.images.length;
  }

  // Pages by id, from the last id of the page before, so that additions and deletions shift nothing.
  async #page() {
    const query = `assigned=false&fields=all&per_page=${PER_PAGE}&since_id=${this.#since}`;
    const { body, header } = await api("GET", `images?${query}`);
    this.total = this.images.filter(({ id }) => id <= this.#since).length + Number(header("X-Total-Count"));
    this.images.push(...body.filter(({ id }) => !this.find(id)));
    this.#since = body.at(-1)?.id ?? this.#since;
    this.changed();
  }

  #gone(image) {
    this.images = this.images.filter(({ id }) => id !== image.id);
    this.total -= 1;
    this.changed();
  }

  async remove(image) {
    try {
      await api("DELETE", this.lastCall(image).path);
    } catch (error) {
      throw asConflict(error);
    }
    this.#gone(image);
  }

  async assign(image, product, key) {
    try {
      await api("POST", `products/${product}/images`, { json: { image_id: image.id }, key, outlivesLoss: true });
    } catch (error) {
      throw asConflict(error);
    }
    this.#gone(image);
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
