// Pictures that the service fetches from a URL. The page asks for each at once, then follows its job until it has ended.

import { api, newKey } from "./http.js";
import { storeId } from "./session.js";
import { ATTEMPTS, helps } from "./uploads.js";

const SOONEST = 500; // milliseconds between two requests for a job's state
const LATEST = 5000;
const GROWTH = 1.5;

// Reasons that may pass: the host was away or busy, the product was full, or someone cancelled the job.
const MAY_PASS = new Set(["not_fetched", "timed_out", "cut_off", "too_many_requests", "host_error", "gallery_full", "cancelled", "not_done", "forgotten"]);

const STATES = { queued: "waiting", running: "fetching" };

const kept = () => `image-service.arrivals.${storeId()}`; // in this tab's sessionStorage, so that a reload continues

class Arrival {
  state = "waiting"; // then "fetching", perhaps "again"; at the end "here" or "failed"
  reason = ""; // why it is tried again or has failed: a code of the service
  status = null; // what the host answered
  message = ""; // why the service refused it, or has not taken it yet
  mayRetry = false;
  job = null; // its id, once there is one
  key = newKey(); // the same in every attempt, so that one job is made even if the page is left before the answer

  constructor(url, product) {
    this.url = url;
    this.product = product;
  }
}

// Events: "change"; "failed" with { arrival }.
class Arrivals extends EventTarget {
  list = [];
  #isRunning = false;
  #pause = SOONEST;
  #wake = () => {};
  #onHere = null;

  // `onHere(arrivals)` shows the pictures that have arrived. Their placeholder tiles stay until it resolves.
  start(onHere) {
    this.#onHere = onHere;
    this.list = JSON.parse(sessionStorage.getItem(kept()) ?? "[]").filter(({ state }) => state !== "here");
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
    this.#changed();
    this.#run();
  }

  of(product) {
    return this.list.filter((each) => each.product === product);
  }

  add(urls, product) {
    this.list.push(...urls.map((url) => new Arrival(url, product)));
    this.#changed();
    this.#hurry();
    this.#run();
  }

  again(arrival) {
    const key = arrival.job ? newKey() : arrival.key;
    this.#set(arrival, { state: "waiting", reason: "", status: null, message: "", job: null, key });
    this.#hurry();
    this.#run();
  }

  remove(arrival) {
    this.list = this.list.filter((each) => each !== arrival);
    this.#changed();
  }

  get #open() {
    return this.list.filter(({ state }) => !["here", "failed"].includes(state));
  }

  get #unsent() {
    return this.#open.find(({ job }) => job === null);
  }

  #changed() {
    sessionStorage.setItem(kept(), JSON.stringify(this.list));
    this.dispatchEvent(new Event("change"));
  }

  #set(arrival, values) {
    Object.assign(arrival, values);
    this.#changed();
  }

  #fail(arrival, values) {
    this.#set(arrival, { message: "", ...values, state: "failed" });
    this.dispatchEvent(new CustomEvent("failed", { detail: { arrival } }));
  }

  async #run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#open.length) {
      while (this.#unsent) await this.#ask(this.#unsent);
      for (const arrival of this.#open) if (arrival.job) await this.#look(arrival);
      const here = this.list.filter(({ state }) => state === "here");
      if (here.length) await this.#onHere(here);
      this.list = this.list.filter((each) => !here.includes(each));
      this.#changed();
      if (this.#open.length && !this.#unsent) await this.#rest();
    }
    this.#isRunning = false;
  }

  // The service answers with the image, not with a job, when it need not fetch: for a URL of its own, for example.
  async #ask(arrival) {
    const options = {
      json: { src: arrival.url },
      key: arrival.key,
      prefer: "respond-async",
      attempts: ATTEMPTS,
      outlivesLoss: true,
      onWait: (seconds, isLost) => this.#set(arrival, { message: isLost ? "upload.lost" : "upload.busy", seconds }),
    };
    try {
      const { status, body } = await api("POST", `products/${arrival.product}/images?fields=all`, options);
      this.#set(arrival, status === 202 ? { job: body.id, message: "" } : { state: "here" });
    } catch (error) {
      this.#fail(arrival, { message: error.message, mayRetry: helps(error) });
    }
  }

  async #look(arrival) {
    let job;
    try {
      job = (await api("GET", `jobs/${arrival.job}`)).body;
    } catch (error) {
      if (error.status === 404) this.#fail(arrival, { reason: "forgotten", mayRetry: true });
      return; // other errors: the page asks again
    }
    const { outcome, reason, status } = job.receipts[0] ?? {};
    if (job.state === "finished") this.#set(arrival, { state: "here" });
    else if (job.finished_at) {
      const why = reason ?? job.state;
      this.#fail(arrival, { reason: why, status, mayRetry: MAY_PASS.has(why) });
    } else {
      const state = outcome === "waiting" ? "again" : STATES[job.state];
      if (state !== arrival.state || (reason ?? "") !== arrival.reason) this.#set(arrival, { state, reason: reason ?? "", status });
    }
  }

  // The pause grows. A hidden page waits until it is seen again.
  #rest() {
    return new Promise((resolve) => {
      const timer = setTimeout(() => document.hidden || this.#wake(), this.#pause);
      this.#pause = Math.min(this.#pause * GROWTH, LATEST);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #hurry() {
    this.#pause = SOONEST;
    this.#wake();
  }
}

export const arrivals = new Arrivals();
