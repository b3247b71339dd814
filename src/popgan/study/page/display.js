// The display check: a grey wedge, and a step near black and one near white that must be visible.

import { el } from "./dom.js";
import { sheet } from "./sheets.js";
import { t } from "./texts.js";

const STEPS = 11;
const NEAR = 0.05; // of full brightness, as in the SMPTE test pattern (Gray et al. 1985)

function painted(width, height, label, paint) {
  const canvas = el("canvas", { width, height, role: "img", "aria-label": label });
  paint(canvas.getContext("2d"));
  return canvas;
}

const grey = (share) => {
  const value = Math.round(255 * share);
  return `rgb(${value} ${value} ${value})`;
};

function wedge() {
  return painted(880, 110, t("display.wedge_label"), (context) => {
    for (let step = 0; step < STEPS; step += 1) {
      context.fillStyle = grey(step / (STEPS - 1));
      context.fillRect(step * 80, 0, 80, 110);
    }
  });
}

function square(outer, inner, label) {
  return painted(200, 200, label, (context) => {
    context.fillStyle = grey(outer);
    context.fillRect(0, 0, 200, 200);
    context.fillStyle = grey(inner);
    context.fillRect(60, 60, 80, 80);
  });
}

/** Let the reader confirm that the display shows all steps; resolves when it is done or noted. */
export async function displayCheck(shell, session) {
  const figure = (canvas, words) => el("figure", {}, canvas, el("figcaption", {}, words));
  const pattern = () => el("div", { class: "pattern" },
    figure(wedge(), t("display.steps")),
    el("div", { class: "squares" },
      figure(square(0, NEAR, t("display.dark_label")), t("display.dark")),
      figure(square(1, 1 - NEAR, t("display.light_label")), t("display.light"))));
  const confirm = { text: t("display.confirm"), value: "good", primary: true };
  let answer = await sheet(shell, t("display.heading"), [el("p", {}, t("display.text")), pattern()],
    [{ text: t("display.fail"), value: "poor" }, confirm], { class: "display" });
  if (answer === "poor") {
    answer = await sheet(shell, t("display.heading"),
      [el("p", { class: "advice", role: "alert" }, t("display.advice")), pattern()],
      [{ text: t("display.go_on_anyway"), value: "poor" }, confirm], { class: "display" });
  }
  const detail = {
    result: answer, width: window.screen.width, height: window.screen.height,
    ratio: Math.round(100 * (window.devicePixelRatio || 1)) / 100,
  };
  if (await session.eventUntilKnown("display_check", detail)) session.noteDisplayChecked();
}
