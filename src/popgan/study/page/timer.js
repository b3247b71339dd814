// Time that a case was in front of the reader: it stands still while the page is hidden, paused or
// covered, and goes on when a case is opened again.

/** A stopwatch for each trial of this page. */
export class Timer {
  #times = new Map();
  #trial = null;
  #since = 0;
  #held = new Set(document.hidden ? ["hidden"] : []);

  constructor() {
    document.addEventListener("visibilitychange", () => this.hold("hidden", document.hidden));
  }

  #book() {
    const now = performance.now();
    if (this.#trial && !this.#held.size) {
      this.#times.set(this.#trial, (this.#times.get(this.#trial) ?? 0) + now - this.#since);
    }
    this.#since = now;
  }

  /** Take over the time that another visit has measured. */
  seed(trial, milliseconds) {
    this.#times.set(trial, Math.max(this.#times.get(trial) ?? 0, milliseconds ?? 0));
  }

  /** The case now in front, or null. */
  show(trial) {
    this.#book();
    this.#trial = trial;
  }

  /** Stand still for a reason until it is over. */
  hold(reason, held) {
    this.#book();
    if (held) this.#held.add(reason);
    else this.#held.delete(reason);
  }

  /** Milliseconds that a trial was in front. */
  shown(trial) {
    this.#book();
    return this.#times.get(trial) ?? 0;
  }
}

/** Minutes left at the reader's own median pace, or null while that is not known. */
export function minutesLeft(timesMs, cases) {
  if (timesMs.length < 3) return null;
  const sorted = [...timesMs].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
  return (median * cases) / 60000;
}
