// The questions of a case as groups of radio buttons, and the remark.

import { el, fill } from "./dom.js";
import { t } from "./texts.js";

export const LONGEST_REMARK = 2000;
const REMARK_WAIT_MS = 600;

/** Shows questions and values; tells what the reader changes. */
export class Form {
  #waiting = 0;
  current = 0;

  /** on: {choose(name, value), remark(text)}. */
  constructor(questions, on) {
    this.questions = questions;
    this.on = on;
    this.groups = questions.map((question, index) => this.#group(question, index));
    this.remark = el("textarea", {
      id: "remark", rows: "2", maxlength: LONGEST_REMARK, placeholder: t("case.remark_placeholder"),
      oninput: () => this.#remarkLater(), onblur: () => this.flush(),
    });
    this.element = el("form", { class: `questions of-${questions.length}`, onsubmit: (event) => event.preventDefault() },
      ...this.groups,
      el("div", { class: "remark" }, el("label", { for: "remark" }, t("case.remark"), " ", el("kbd", {}, "M")), this.remark));
  }

  #group(question, index) {
    const options = question.options.map((option) => {
      const input = el("input", {
        type: "radio", name: question.name, value: option.key,
        onchange: () => this.on.choose(question.name, option.value),
      });
      input.setAttribute("aria-label", option.words ? t("case.option", { value: option.label, words: option.words }) : option.label);
      return el("label", { class: "option" }, input,
        el("span", { class: "mark", "aria-hidden": "true" }, el("b", {}, option.label), option.words ? el("small", {}, option.words) : null));
    });
    const keys = question.options.some(({ key, label }) => key !== label)
      ? el("span", { class: "hint", "aria-hidden": "true" },
        ...question.options.map(({ key }) => el("kbd", {}, key))) : null;
    return el("fieldset", { onfocusin: () => this.#mark(index) },
      el("legend", {}, question.title, " ", keys),
      el("div", { class: `options of-${question.options.length}` }, ...options));
  }

  #mark(index) {
    this.current = index;
    this.groups.forEach((group, at) => group.classList.toggle("current", at === index));
  }

  #remarkLater() {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.flush(), REMARK_WAIT_MS);
  }

  /** Tell about a remark that was just written. */
  flush() {
    clearTimeout(this.#waiting);
    this.on.remark(this.remark.value.trim());
  }

  /** Show the values of a case. */
  show(values) {
    this.questions.forEach(({ name, options }, index) => {
      this.groups[index].querySelectorAll("input").forEach((input, at) => {
        input.checked = options[at].value === values[name];
      });
    });
    if (this.remark.value.trim() !== (values.remark ?? "")) this.remark.value = values.remark ?? "";
  }

  /** Make a question the current one and give it the focus. */
  focus(index) {
    const at = Math.min(this.questions.length - 1, Math.max(0, index));
    this.#mark(at);
    const inputs = [...this.groups[at].querySelectorAll("input")];
    (inputs.find((input) => input.checked) ?? inputs[0]).focus({ preventScroll: true });
  }

  /** The option of the current question that a number key means. */
  optionOf(key) {
    return this.questions[this.current].options.find((option) => option.key === key);
  }

  /** Replace nothing but the words below the questions. */
  status(...children) {
    fill(this.below ??= this.element.appendChild(el("p", { class: "below" })), ...children);
  }
}
