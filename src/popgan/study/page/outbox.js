// The way of an answer to the server: kept here first, sent in order, one request at a time, tried
// again until the server has acknowledged it. The server knows each version by its uuid, so sending
// twice stores once.

import { postJson, uuid } from "./api.js";

const MOST_ANSWERS = 100;
const MOST_BYTES = 60000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (values) => Object.entries(values ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

/** What is still to be sent. `state`: "saved", "saving", "offline", "storage" or "stopped". */
export class Outbox {
  state = "saved";
  #items = [];
  #sending = false;
  #wait = FIRST_WAIT_MS;
  #timer = 0;
  #most = MOST_ANSWERS;
  #writes = Promise.resolve();

  /**
   * storage: a Storage; csrf: () => string; on: {change(outbox), refused(message), stop(kind),
   * progress(done)}.
   */
  constructor(storage, csrf, on) {
    this.storage = storage;
    this.csrf = csrf;
    this.on = on;
    window.addEventListener("online", () => this.#now());
    window.addEventListener("offline", () => this.count && this.#set("offline"));
  }

  /** Answers that the server has not acknowledged. */
  get count() {
    return this.#items.length;
  }

  /**
   * Take up what an earlier visit left. `known`: Map of trial -> answer at the server. Answers to
   * other trials belong to another reader of this computer and stay where they are. Where another
   * computer has answered since, its answer is given once more, so that it stays the latest.
   */
  async takeUp(known) {
    const kept = (await this.storage.all()).filter((item) => known.has(item.trial));
    const after = [];
    for (const trial of new Set(kept.map((item) => item.trial))) {
      const versions = kept.filter((item) => item.trial === trial);
      const answer = known.get(trial);
      const expected = [versions[0].base, ...versions.map((item) => item.values)];
      if (expected.some((values) => same(values, answer))) known.set(trial, versions.at(-1).values);
      else after.push([versions[0].block, trial, answer]);
    }
    this.#items.push(...kept);
    for (const [block, trial, answer] of after) this.add(block, trial, answer ?? {}, 0, answer);
    if (kept.length) this.#now();
    return kept.length;
  }

  /** Keep a version of an answer and send it. `base`: what the server had before it. */
  add(block, trial, values, shownMs, base) {
    const item = {
      id: uuid(), block, trial, values, shown_ms: Math.round(shownMs),
      client_time: new Date().toISOString(), base: base ?? null,
    };
    this.#items.push(item);
    this.#write(() => this.storage.add(item));
    if (this.state !== "offline" && this.state !== "storage") this.#set("saving");
    else this.on.change(this);
    this.#send();
  }

  #write(work) {
    this.#writes = this.#writes.then(work);
    return this.#writes;
  }

  #set(state) {
    if (this.state === "stopped") return;
    this.state = state;
    this.on.change(this);
  }

  #now() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#wait = FIRST_WAIT_MS;
    this.#send();
  }

  /** Send nothing more; what is left stays in the browser. */
  stop() {
    this.#set("stopped");
    clearTimeout(this.#timer);
  }

  #batch() {
    const batch = [];
    let bytes = 20;
    for (const { base, order, ...answer } of this.#items.slice(0, this.#most)) {
      bytes += new Blob([JSON.stringify(answer)]).size + 1;
      if (batch.length && bytes > MOST_BYTES) break;
      batch.push(answer);
    }
    return batch;
  }

  async #send() {
    if (this.#sending || this.#timer || this.state === "stopped" || !this.#items.length) return;
    this.#sending = true;
    try {
      const reply = await postJson("/api/answers", this.csrf(), { answers: this.#batch() });
      this.#took(reply);
    } catch (failure) {
      this.#failed(failure);
    } finally {
      this.#sending = false;
    }
    this.#send();
  }

  #took({ acknowledged = [], refused = [], done = {} }) {
    const gone = new Set([...acknowledged, ...refused.map((item) => item.id)]);
    this.#items = this.#items.filter((item) => !gone.has(item.id));
    this.#write(() => this.storage.remove(gone));
    this.#most = MOST_ANSWERS;
    this.#wait = FIRST_WAIT_MS;
    for (const { error } of refused) this.on.refused(String(error));
    if (!gone.size && this.#items.length) return this.#again("storage"); // a reply about nothing
    this.#set(this.#items.length ? "saving" : "saved");
    return this.on.progress(done);
  }

  #failed({ kind, message }) {
    if (["superseded", "locked", "session"].includes(kind)) {
      this.stop();
      this.on.stop(kind, message);
    } else if (kind === "size" && this.#most > 1) {
      this.#most = Math.max(1, Math.floor(Math.min(this.#most, this.#items.length) / 2));
    } else {
      this.#again({ network: "offline", busy: "saving" }[kind] ?? "storage");
    }
  }

  #again(state) {
    this.#set(state);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#send();
    }, this.#wait);
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS);
  }
}
