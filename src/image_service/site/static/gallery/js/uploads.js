// Uploads: one after the other, so that they arrive in the order in which they were chosen.

import { fitted } from "./fitting.js";
import { api, Lost, newKey } from "./http.js";
import { atRest } from "./pictures.js";
import { text } from "./texts.js";
import { same } from "./twice.js";

export const ATTEMPTS = 12; // about five minutes without a connection

// Refusals that may pass by themselves, or after someone has made room.
const MAY_PASS = new Set(["gallery_full", "storage_full"]);

const SENT = new Set(["sending", "checking", "pausing"]);

export const helps = (error) =>
  error instanceof Lost || error.status >= 500 || [408, 409, 429].includes(error.status) || MAY_PASS.has(error.problem);

class Upload {
  state = "waiting"; // then "preparing", "sending", "checking", "pausing"; at the end "refused" or "twice"; an upload that was added leaves the list
  progress = 0;
  message = "";
  note = ""; // how the file was changed before it was sent
  mayRetry = false; // whether a retry can help
  isMeant = false; // the user wants it although it is already here
  key = newKey(); // the same in every attempt, so that the picture is added once
  stop = new AbortController();

  // `source` is a File; `product` a product's number, or null for none.
  constructor(source, product) {
    this.source = source;
    this.product = product;
    this.name = source.name;
  }
}

// Events: "change"; "added" with { upload, image }; "refused" with { upload }; "drained" with { added, refused, unassigned, notes }.
class Uploads extends EventTarget {
  list = [];
  #added = 0;
  #refused = 0;
  #unassigned = 0;
  #notes = [];
  #known = () => [];
  #isRunning = false;

  get isBusy() {
    return this.#isRunning;
  }

  // How many of this product's the service may have added, without an answer yet.
  sending(product) {
    return this.list.filter((each) => each.product === product && SENT.has(each.state)).length;
  }

  get done() {
    return this.#added + this.#refused;
  }

  // `known(product)`: the pictures of it that the page shows, in order.
  startLooking(known) {
    this.#known = known;
  }

  add(sources, product) {
    this.list.push(...sources.map((source) => new Upload(source, product)));
    this.#tell("change");
    this.#run();
  }

  // Retries an upload; one that was noticed as a duplicate is then added all the same.
  again(upload) {
    upload.isMeant ||= upload.state === "twice";
    Object.assign(upload, { state: "waiting", message: "", progress: 0, stop: new AbortController() });
    this.#refused = Math.max(0, this.#refused - 1);
    this.#tell("change");
    this.#run();
  }

  cancel(upload) {
    upload.stop.abort();
    this.list = this.list.filter((each) => each !== upload);
    this.#tell("change");
  }

  clear() {
    for (const upload of [...this.list]) this.cancel(upload);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #set(upload, values) {
    Object.assign(upload, values);
    this.#tell("change");
  }

  async #run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    let upload;
    while ((upload = this.list.find(({ state }) => state === "waiting"))) await this.#one(upload);
    this.#isRunning = false;
    const detail = { added: this.#added, refused: this.#refused, unassigned: this.#unassigned, notes: this.#notes };
    this.#notes = [];
    this.#added = this.#refused = this.#unassigned = 0;
    this.#tell("drained", detail);
    this.#tell("change");
  }

  async #one(upload) {
    try {
      if (await this.#isHeld(upload)) return;
      await atRest(upload.product); // a move need not wait for all files: it would have to catch up with each of them
      const image = await this.#sent(upload);
      if (upload.note) this.#notes.push(`${upload.name}: ${upload.note}`);
      this.list = this.list.filter((each) => each !== upload);
      this.#added += 1;
      this.#unassigned += upload.product === null ? 1 : 0;
      this.#tell("added", { upload, image });
    } catch (error) {
      if (upload.stop.signal.aborted) return;
      this.#refused += 1;
      this.#set(upload, { state: "refused", message: error.message, mayRetry: helps(error) });
      this.#tell("refused", { upload });
    }
  }

  // Prepares the file; true if it must not be sent now.
  async #isHeld(upload) {
    this.#set(upload, { state: "preparing" });
    if (!upload.file) Object.assign(upload, await fitted(upload.source)); // adds `file` and `note`
    upload.stop.signal.throwIfAborted();
    if (upload.isMeant) return false;
    const known = this.#known(upload.product);
    const image = await same(upload.file, known);
    upload.stop.signal.throwIfAborted();
    if (!image) return false;
    this.#refused += 1;
    const message = image.position ? text("upload.twice_at", { number: known.indexOf(image) + 1 }) : text("upload.twice");
    this.#set(upload, { state: "twice", message });
    this.#tell("refused", { upload });
    return true;
  }

  async #sent(upload) {
    const options = {
      key: upload.key,
      signal: upload.stop.signal,
      attempts: ATTEMPTS,
      outlivesLoss: true,
      onProgress: (progress) => this.#set(upload, { progress, state: progress < 1 ? "sending" : "checking" }),
      onWait: (seconds, isLost) => {
        this.#set(upload, { state: "pausing", message: text(isLost ? "upload.lost" : "upload.busy", { seconds }) });
      },
    };
    this.#set(upload, { state: "sending" });
    options.form = new FormData();
    options.form.append("file", upload.file, upload.file.name);
    if (upload.product !== null) {
      return (await api("POST", `products/${upload.product}/images?fields=all`, options)).body;
    }
    // A ticket takes the formats that a product takes and adds an unassigned picture. Its key also makes retries safe.
    const ask = { json: { origins: [location.origin] }, key: `${upload.key}-ticket`, outlivesLoss: true };
    const { body: ticket } = await api("POST", "uploads", { ...options, ...ask, form: undefined });
    return (await api("POST", `uploads/${ticket.id}${new URL(ticket.url).search}&fields=all`, options)).body;
  }
}

export const uploads = new Uploads();
