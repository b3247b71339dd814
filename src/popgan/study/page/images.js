// Stimuli from the server, fetched ahead so that work can go on without a connection.

import { getBytes } from "./api.js";
import { parsePng } from "./png16.js";

const AHEAD = 16; // trials
const BEHIND = 4;
const AGAIN_MS = 2000;

/** Images of the trials around the current one, kept in memory. */
export class Images {
  #kept = new Map(); // id -> promise of an image
  #wanted = [];
  #busy = false;

  /** Fetch what is needed around position `at` of `trials`, and forget the rest. */
  prepare(trials, at) {
    const near = trials.slice(Math.max(0, at - BEHIND), at + 1 + AHEAD).flatMap((trial) => trial.stimuli);
    const keep = new Set(near);
    for (const id of this.#kept.keys()) if (!keep.has(id)) this.#kept.delete(id);
    this.#wanted = trials.slice(at, at + 1 + AHEAD).flatMap((trial) => trial.stimuli);
    this.#fetchAhead();
  }

  /** The image of a stimulus; rejects with a Failure, and is asked for anew the next time. */
  get(id) {
    if (!this.#kept.has(id)) {
      const image = getBytes(`/api/stimuli/${encodeURIComponent(id)}`).then(parsePng);
      image.catch(() => this.#kept.delete(id));
      this.#kept.set(id, image);
    }
    return this.#kept.get(id);
  }

  async #fetchAhead() {
    if (this.#busy) return; // one at a time, so that the case in front comes first
    this.#busy = true;
    for (let id = this.#next(); id; id = this.#next()) {
      try {
        await this.get(id);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
    this.#busy = false;
  }

  #next() {
    const id = this.#wanted.find((wanted) => !this.#kept.has(wanted));
    return id;
  }
}
