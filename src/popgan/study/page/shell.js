// The frame around every stage: where the reader is, whether everything is saved, what went wrong.

import { announce, el, fill } from "./dom.js";
import { number, t } from "./texts.js";
import { minutesLeft } from "./timer.js";

const PATIENCE_MS = 400; // before "saving" is shown, so that it does not flicker at every key

/** Header, banner and main part of the page. */
export class Shell {
  #later = 0;
  #trouble = false;
  #warning = "";
  #waits = false;

  constructor() {
    this.bar = document.getElementById("bar");
    this.banner = document.getElementById("banner");
    this.main = document.getElementById("main");
  }

  /** Build the header; `session` must know its state. */
  begin(session) {
    this.session = session;
    document.title = t("title");
    this.where = el("p", { class: "where" });
    this.meter = el("progress", { max: "1", value: "0", "aria-label": t("progress.label"), hidden: true });
    this.count = el("p", { class: "count" });
    this.saved = el("p", { class: "saved", role: "status" });
    this.actions = el("div", { class: "actions" });
    fill(this.bar, this.where, el("div", { class: "meter" }, this.meter, this.count), this.saved, this.actions);
    this.place(session.state.title);
  }

  /** Put a stage into the main part. */
  show(...nodes) {
    fill(this.main, ...nodes);
    fill(this.actions);
    announce("");
    window.scrollTo(0, 0);
  }

  /** Name the place in the header, without a progress bar. */
  place(words) {
    this.where.textContent = words;
    this.meter.hidden = true;
    this.count.textContent = "";
  }

  /** Show how far a block is. */
  progress(block) {
    const done = this.session.doneOf(block);
    const practice = block.name === "practice";
    const counted = this.session.state.blocks.filter(({ name }) => name !== "practice");
    const part = practice ? t("blocks.practice.note") : t("blocks.part", { n: counted.indexOf(block) + 1, total: counted.length });
    fill(this.where, el("strong", {}, t(`blocks.${block.name}.name`)), " ", el("span", { class: practice ? "" : "part" }, practice || counted.length > 1 ? part : ""));
    this.meter.hidden = false;
    this.meter.max = block.total;
    this.meter.value = done;
    const minutes = minutesLeft(this.session.timesOf(block), block.total - done);
    let left = "";
    if (minutes !== null && done < block.total) {
      left = minutes < 1 ? t("progress.left_less") : t("progress.left", { minutes: number(Math.ceil(minutes)) });
    }
    this.count.textContent = [t("progress.done", { done, total: block.total }), left].filter(Boolean).join(" · ");
  }

  /** Follow the way of the answers. */
  outbox({ state, count, storage }) {
    if (!this.saved) return;
    clearTimeout(this.#later);
    const say = () => { this.saved.textContent = t(state === "saved" ? "saved.saved" : "saved.saving"); };
    if (state === "offline" || state === "storage") {
      this.saved.textContent = "";
      const words = t(`saved.${state}`, { count });
      this.#banner("trouble", storage.lasting ? words : `${words} ${t("saved.memory")}`);
      this.#trouble = true;
    } else if (state === "saved") {
      say();
      if (this.#trouble) announce(t("saved.back_online"));
      this.#trouble = false;
      this.#banner(storage.lasting ? "" : "trouble", storage.lasting ? "" : t("saved.memory"));
    } else {
      this.#later = setTimeout(say, PATIENCE_MS);
    }
    this.onoutbox?.(state, count);
  }

  /** The server cannot be reached for something that cannot wait. */
  waiting(waits) {
    if (waits !== this.#waits) this.#banner(waits ? "trouble" : "", waits ? t("stopped.connection") : "");
    this.#waits = waits;
  }

  /** Say something that went wrong; it stays until the page is closed. */
  warn(words) {
    this.#warning = words;
    this.#banner("trouble", "");
  }

  #banner(kind, words) {
    const all = [this.#warning, words].filter(Boolean).join(" ");
    this.banner.className = all ? "trouble" : kind && all;
    if (this.banner.textContent !== all) this.banner.textContent = all;
  }

  /** The last page: nothing goes on here. */
  stop(kind, kept, message) {
    this.onstop?.();
    // Before there are texts (the state was refused) the server's own sentence must do.
    const known = t("stopped.heading") !== "stopped.heading";
    const words = known ? t(`stopped.${kind}`) : message || "This page has stopped. Please open your personal link again.";
    document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
    fill(this.bar);
    this.saved = null;
    this.banner.className = "";
    this.banner.textContent = "";
    const heading = el("h1", { tabindex: "-1" }, known ? t("stopped.heading") : document.title);
    fill(this.main, el("section", { class: "sheet stopped", role: "alert" }, heading, el("p", {}, words),
      kept ? el("p", {}, t("stopped.kept", { count: kept })) : null));
    heading.focus();
  }
}
