// The keys of a case: one table for what they do and for the page that explains them.

import { el, isWriting } from "./dom.js";
import { t } from "./texts.js";

const STEP = 0.08; // of the image a press of an arrow key
const BRIGHT = 0.04;
const SOFT = 1.1;

/** Which action a key stands for: [action, ...arguments], or undefined. */
export function actionOf(event, { zoomed, onImage, pair }) {
  if (event.ctrlKey || event.altKey || event.metaKey) return undefined;
  if (isWriting(event.target)) return event.key === "Escape" ? ["leaveRemark"] : undefined;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const arrow = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[key];
  if (arrow && zoomed && (event.shiftKey || onImage)) return ["pan", ...arrow];
  if (arrow && event.shiftKey) return undefined;
  if (key === "ArrowUp") return ["step", -1];
  if (key === "ArrowDown") return ["step", 1];
  if (pair && key === "ArrowLeft") return ["side", "left"];
  if (pair && key === "ArrowRight") return ["side", "right"];
  if (SINGLE[key]) return SINGLE[key];
  // French keyboards give digits only with Shift; the place of the key says what is meant.
  const digit = /^[1-9]$/.test(key) ? key : !event.shiftKey && /^Digit([1-9])$/.exec(event.code)?.[1];
  return digit ? ["score", digit] : undefined;
}

const SINGLE = {
  Enter: ["next"], z: ["undo"], Backspace: ["undo"], b: ["back"], m: ["remark"], p: ["pause"],
  r: ["reset"], i: ["invert"], w: ["preset"], "?": ["help"],
  l: ["adjust", 1, -BRIGHT], d: ["adjust", 1, BRIGHT], c: ["adjust", 1 / SOFT, 0], s: ["adjust", SOFT, 0],
  "+": ["zoom", 1.25], "=": ["zoom", 1.25], "-": ["zoom", 0.8],
};

function rows(block, back) {
  const name = (word) => t(`keys.names.${word}`);
  const likert = [["1", "5"], "keys.score"];
  const judge = [["1", "2", "3"], "keys.judge"];
  const answer = { likert: [likert], authenticity: [judge], pair: [judge, [["←", "→"], "keys.choose"]] }[block];
  return [
    ...answer,
    [["↑", "↓", name("tab")], "keys.move"],
    [[name("enter")], "keys.next"],
    [["Z", name("backspace")], "keys.undo"],
    ...(back ? [[["B"], "keys.back"]] : []),
    [["M"], "keys.remark"], [[name("escape")], "keys.leave"],
    [["P"], "keys.pause"],
    [["W"], "keys.window"], [["L", "D"], "keys.bright"], [["C", "S"], "keys.contrast"],
    [["+", "-"], "keys.zoom"], [[`${name("shift")} + ${name("arrows")}`], "keys.pan"],
    [["R"], "keys.reset"], [["I"], "keys.invert"], [["?"], "keys.help"],
  ];
}

/** A dialog that explains the keys. `form`: "likert", "authenticity" or "pair". */
export function showKeys(form, back, onclose) {
  const entries = rows(form, back).map(([keys, words]) => el("div", { class: "entry" },
    el("dt", {}, ...keys.map((key, index) => [index ? (key === "5" ? " – " : " ") : "", el("kbd", {}, key)]).flat()),
    el("dd", {}, t(words))));
  const dialog = el("dialog", { class: "keys", "aria-labelledby": "keys-heading" },
    el("h2", { id: "keys-heading" }, t("keys.heading")),
    el("dl", {}, ...entries),
    el("p", {}, t("keys.mouse")), el("p", {}, t("keys.touch")),
    el("div", { class: "buttons" },
      el("button", { type: "button", class: "primary", onclick: () => dialog.close() }, t("keys.close"))));
  dialog.addEventListener("close", () => { dialog.remove(); onclose(); });
  document.body.append(dialog);
  dialog.showModal();
}
