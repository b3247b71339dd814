// What the page knows of the study and of this reader: the server's state, kept up to date with what
// is answered here, and the way of answers to the server.

import { Failure, getJson, postJson } from "./api.js";
import { Images } from "./images.js";
import { Outbox } from "./outbox.js";
import { cleaned, isComplete, questionsOf } from "./questions.js";
import { Storage } from "./storage.js";
import { t, useTexts } from "./texts.js";
import { Timer } from "./timer.js";

const STOPS = ["superseded", "locked", "session"];
const AGAIN_MS = 2000;
const CHECKED = "popgan-study-display";

/** One visit of a reader. */
export class Session {
  images = new Images();
  timer = new Timer();
  sinceBreak = 0;
  stopped = null;
  older = 0;

  /** shell: {stop(kind, message), outbox(outbox), warn(text), waiting(bool)}. */
  static async open(shell) {
    const session = new Session();
    session.shell = shell;
    session.storage = await Storage.open();
    session.outbox = new Outbox(session.storage, () => session.state.csrf, {
      change: (outbox) => shell.outbox(outbox),
      refused: (message) => shell.warn(t("saved.refused", { error: message })),
      stop: (kind) => session.stop(kind),
      progress: () => {},
    });
    await session.refresh();
    return session;
  }

  /** Get the state from the server, trying until there is one. False if the page has stopped. */
  async refresh() {
    for (;;) {
      try {
        const state = await getJson("/api/state");
        if (this.state && state.csrf !== this.state.csrf) throw new Failure("superseded");
        this.shell.waiting(false);
        await this.#use(state);
        return !this.stopped;
      } catch (failure) {
        if (!(failure instanceof Failure)) throw failure;
        if (STOPS.includes(failure.kind)) {
          this.stop(failure.kind, failure.message);
          return false;
        }
        this.shell.waiting(true);
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  async #use(state) {
    const first = !this.state;
    this.state = state;
    useTexts(state.texts);
    for (const block of state.blocks) {
      block.questions = questionsOf(block.name, state.kind, state.criteria);
      for (const trial of block.trials) {
        trial.answer = cleaned(block.questions, trial.answer);
        this.timer.seed(trial.id, trial.shown_ms);
      }
    }
    const trials = state.blocks.flatMap((block) => block.trials);
    if (first) {
      const known = new Map(trials.map((trial) => [trial.id, trial.answer]));
      this.older = await this.outbox.takeUp(known);
      for (const trial of trials) trial.answer = known.get(trial.id);
    }
    if (state.locked) this.stop("locked");
  }

  /** Stop for good: another place goes on, the study is locked, or the session is over. */
  stop(kind, message = "") {
    if (this.stopped) return;
    this.stopped = kind;
    this.outbox.stop();
    this.timer.show(null);
    this.shell.stop(kind, this.outbox.count, message);
  }

  /** Position of the first case of a block that is not complete; -1 if all are. */
  firstOpen(block) {
    return block.trials.findIndex((trial) => !isComplete(block.questions, trial.answer));
  }

  /** Complete cases of a block. */
  doneOf(block) {
    if (!block.trials.length) return block.done;
    return block.trials.filter((trial) => isComplete(block.questions, trial.answer)).length;
  }

  /** Milliseconds of each complete case of a block. */
  timesOf(block) {
    const complete = block.trials.filter((trial) => isComplete(block.questions, trial.answer));
    return complete.map((trial) => this.timer.shown(trial.id)).filter((time) => time > 0);
  }

  /** The block to go on with, or null at the end. */
  currentBlock() {
    return this.state.blocks.find((block) => this.doneOf(block) < block.total) ?? null;
  }

  /** Keep an answer and send it. */
  answer(block, trial, values) {
    const before = trial.answer;
    trial.answer = values;
    this.outbox.add(block.name, trial.id, values, this.timer.shown(trial.id), before);
  }

  /** Tell the server what happened. Resolves to whether it knows; never throws. */
  async event(kind, detail = {}) {
    try {
      await postJson("/api/events", this.state.csrf, { kind, detail });
      return true;
    } catch (failure) {
      if (STOPS.includes(failure.kind)) this.stop(failure.kind);
      return false;
    }
  }

  /** Tell the server until it knows; false if the page has stopped. */
  async eventUntilKnown(kind, detail = {}) {
    while (!(await this.event(kind, detail))) {
      if (this.stopped) return false;
      this.shell.waiting(true);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    this.shell.waiting(false);
    return true;
  }

  /** Whether the display was checked on this computer; another one may be set differently. */
  get displayChecked() {
    if (!this.state.display_checked) return false;
    try {
      return localStorage.getItem(CHECKED) !== null;
    } catch {
      return true;
    }
  }

  noteDisplayChecked() {
    this.state.display_checked = true;
    try {
      localStorage.setItem(CHECKED, "1");
    } catch {
      // Asked again next time.
    }
  }
}
