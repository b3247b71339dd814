// A case in front of the reader: image, questions, keys. Shows the cases of one block.

import { Failure } from "./api.js";
import { announce, el } from "./dom.js";
import { Form } from "./form.js";
import { listen } from "./gestures.js";
import { actionOf, showKeys } from "./keys.js";
import { cleaned, isComplete, missing } from "./questions.js";
import { t } from "./texts.js";
import { tools } from "./tools.js";
import { View } from "./view.js";
import { Viewer } from "./viewer.js";

const REPEATABLE = new Set(["pan", "adjust", "zoom"]);
const AGAIN_MS = 2000;
const WORTH_SENDING_MS = 250;

/** The room in which a block is worked through. on: {finished(), takeBreak(then), pause()}. */
export class Room {
  #history = new Map(); // trial -> values before each change
  #sent = new Map(); // trial -> milliseconds already told
  #ready = false;

  constructor(session, block, on) {
    Object.assign(this, { session, block, on });
    this.pair = (block.trials[0]?.stimuli.length ?? 1) === 2;
    this.view = new View();
    this.viewers = (this.pair ? [0, 1] : [0]).map(() => new Viewer(this.view, session.state.image.spacing));
    this.viewers.forEach(listen);
    this.form = new Form(block.questions, {
      choose: (name, value) => this.#choose(name, value),
      remark: (text) => this.#remark(text),
    });
    const [bar, words] = tools(this.view);
    this.element = el("div", { class: this.pair ? "room pair" : "room" },
      el("div", { class: "stage" },
        el("div", { class: "images" }, ...this.viewers.map((viewer) => viewer.element), words), bar),
      el("section", { class: "panel", "aria-labelledby": "case-heading" },
        this.heading = el("h1", { id: "case-heading" }), this.form.element, this.#buttons()));
    this.onkey = (event) => this.#key(event);
    document.addEventListener("keydown", this.onkey);
  }

  #buttons() {
    const button = (name, key, action, kind = "") => el("button", { type: "button", class: kind, onclick: action },
      t(`case.${name}`), " ", el("kbd", { "aria-hidden": "true" }, key));
    this.next = button("next", t("keys.names.enter"), () => this.#next(), "primary");
    const back = this.session.state.back ? button("back", "B", () => this.#back()) : null;
    return el("div", { class: "buttons" }, ...[back, button("undo", "Z", () => this.#undo())].filter(Boolean), this.next);
  }

  /** Put the page to another use. */
  close() {
    this.leave();
    document.removeEventListener("keydown", this.onkey);
    this.viewers.forEach((viewer) => viewer.observer.disconnect());
    this.session.timer.show(null);
  }

  get trial() {
    return this.block.trials[this.at];
  }

  /** Show the case at a position. */
  async open(at) {
    this.at = at;
    this.#ready = false;
    this.session.timer.show(null);
    this.view.reset();
    const place = { n: at + 1, total: this.block.total };
    this.heading.textContent = t("case.heading", place);
    this.form.show(this.trial.answer);
    this.form.element.inert = true;
    this.form.status();
    this.session.images.prepare(this.block.trials, at);
    this.session.shell.progress(this.block);
    this.#label((side) => [null, this.#name(side), t("case.loading")]);
    const images = await this.#images(this.trial);
    if (!images) return; // another case meanwhile, or the page has stopped
    this.#label((side) => [images[side], this.#name(side)]);
    this.form.element.inert = false;
    this.#ready = true;
    this.session.timer.show(this.trial.id);
    const open = this.block.questions.findIndex(({ name }) => this.trial.answer[name] === undefined);
    this.form.focus(open < 0 ? 0 : open);
    this.#state();
    announce(t("case.announce", { ...place, block: t(`blocks.${this.block.name}.name`) }));
  }

  #label(of) {
    this.viewers.forEach((viewer, side) => viewer.show(...of(side)));
  }

  #name(side) {
    return t(this.pair ? ["case.image_left", "case.image_right"][side] : "case.image", { n: this.at + 1 });
  }

  async #images(trial) {
    while (this.trial === trial && !this.session.stopped) {
      try {
        const images = await Promise.all(trial.stimuli.map((id) => this.session.images.get(id)));
        return this.trial === trial && !this.session.stopped ? images : null;
      } catch (failure) {
        if (failure instanceof Failure && ["superseded", "locked", "session"].includes(failure.kind)) {
          this.session.stop(failure.kind);
        } else if (this.trial === trial) {
          this.#label((side) => [null, this.#name(side), t("case.image_failed")]);
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
        }
      }
    }
    return null;
  }

  // Answers

  #save(values) {
    const { id, answer } = this.trial;
    if (!this.#history.has(id)) this.#history.set(id, []);
    this.#history.get(id).push(answer);
    this.#put(values);
  }

  #put(values) {
    this.session.answer(this.block, this.trial, cleaned(this.block.questions, values));
    this.#sent.set(this.trial.id, this.session.timer.shown(this.trial.id));
    this.form.show(this.trial.answer);
    this.session.shell.progress(this.block);
    this.#state();
  }

  #choose(name, value) {
    if (this.#ready && this.trial.answer[name] !== value) this.#save({ ...this.trial.answer, [name]: value });
  }

  #remark(text) {
    const { remark = "", ...rest } = this.trial.answer;
    if (this.#ready && text !== remark) this.#save(text ? { ...rest, remark: text } : rest);
  }

  #state() {
    const open = missing(this.block.questions, this.trial.answer);
    const words = open.length ? t("case.missing", { names: open.map(({ title }) => title).join(", ") }) : t("case.complete");
    this.next.setAttribute("aria-disabled", open.length > 0);
    this.form.status(words);
    return words;
  }

  #score(key) {
    const option = this.form.optionOf(key);
    if (!option) return;
    const { name, title } = this.block.questions[this.form.current];
    this.#choose(name, option.value);
    this.form.focus(this.form.current + 1);
    announce(isComplete(this.block.questions, this.trial.answer)
      ? this.#state() : t("case.scored", { name: title, value: option.label }));
  }

  #undo() {
    const before = this.#history.get(this.trial.id)?.pop();
    if (!before) return announce(t("case.nothing_to_undo"));
    const changed = this.block.questions.findIndex(({ name }) => before[name] !== this.trial.answer[name]);
    this.form.remark.value = before.remark ?? "";
    this.#put(before);
    if (changed >= 0) this.form.focus(changed);
    return announce(t("case.undone"));
  }

  // From case to case

  /** Keep what is not kept yet: a remark, and the time looked on after the last key. */
  leave() {
    if (!this.#ready) return;
    this.form.flush();
    const { id, answer } = this.trial;
    const shown = this.session.timer.shown(id);
    if (!isComplete(this.block.questions, answer) || this.session.stopped) return;
    if (this.#sent.has(id) && shown - this.#sent.get(id) > WORTH_SENDING_MS) this.#put(answer);
  }

  #next() {
    this.form.flush();
    const open = this.block.questions.findIndex(({ name }) => this.trial.answer[name] === undefined);
    if (open >= 0) {
      this.form.focus(open);
      return announce(this.#state());
    }
    this.leave();
    this.session.sinceBreak += 1;
    const following = this.at + 1 < this.block.total ? this.at + 1 : this.session.firstOpen(this.block);
    if (following < 0) return this.on.finished();
    if (this.session.sinceBreak < this.session.state.break_every) return this.open(following);
    this.session.timer.show(null);
    return this.on.takeBreak(() => this.open(following));
  }

  #back() {
    if (!this.session.state.back || this.at === 0) return announce(t("case.no_back"));
    this.leave();
    return this.open(this.at - 1);
  }

  // Keys

  #key(event) {
    if (document.querySelector("dialog[open]") || event.defaultPrevented) return;
    if (event.key === "Enter" && event.target instanceof HTMLButtonElement) return;
    if (event.target instanceof HTMLSelectElement && event.key !== "Enter") return;
    const action = actionOf(event, {
      zoomed: this.view.zoom > 1, pair: this.pair, onImage: event.target instanceof HTMLCanvasElement,
    });
    if (!action) return;
    event.preventDefault();
    if (event.repeat && !REPEATABLE.has(action[0])) return;
    this.#do(...action);
  }

  #do(action, ...values) {
    const onView = {
      pan: (dx, dy) => this.view.move(dx / this.view.zoom, dy / this.view.zoom),
      adjust: (factor, shift) => this.view.adjust(factor, shift),
      zoom: (factor) => this.view.zoomBy(factor),
      reset: () => this.view.reset(), invert: () => this.view.toggleInvert(), preset: () => this.view.nextPreset(),
    };
    const always = {
      back: () => this.#back(), pause: () => this.on.pause(), help: () => this.help(), leaveRemark: () => this.form.focus(this.form.current),
    };
    const withImage = {
      step: (by) => this.form.focus(this.form.current + by), score: (key) => this.#score(key),
      side: (side) => { this.form.focus(0); this.#score(side === "left" ? "1" : "2"); },
      next: () => this.#next(), undo: () => this.#undo(), remark: () => this.form.remark.focus(),
    };
    (onView[action] ?? always[action] ?? (this.#ready ? withImage[action] : undefined))?.(...values);
  }

  /** Explain the keys; the clock stands still meanwhile. */
  help() {
    this.session.timer.hold("keys", true);
    const form = this.pair ? "pair" : this.block.questions.length > 2 ? "likert" : "authenticity";
    showKeys(form, this.session.state.back, () => {
      this.session.timer.hold("keys", false);
      if (this.#ready) this.form.focus(this.form.current);
    });
  }
}
