// The row of image tools under the image, for mouse and touch.

import { el } from "./dom.js";
import { number, t } from "./texts.js";
import { PRESETS } from "./window.js";

/** Words for a view, in shares, without anything that differs between images. */
function readout(view) {
  const percent = (share) => number(Math.round(share * 100));
  return t("image_tools.readout", {
    width: percent(view.window.width), level: percent(view.window.center), zoom: number(view.zoom, 1),
  });
}

/** A toolbar for a View, and the readout that belongs in a corner of the image: [toolbar, readout]. */
export function tools(view) {
  const button = (name, key, action, options = {}) => el("button", { type: "button", onclick: action, ...options },
    t(`image_tools.${name}`), " ", el("kbd", { "aria-hidden": "true" }, key));
  const presets = Object.keys(PRESETS).map((name) => el("button", {
    type: "button", class: "preset", onclick: () => view.usePreset(name),
  }, t(`image_tools.${name}`)));
  const round = (label, sign, factor) => el("button", {
    type: "button", "aria-label": t(`image_tools.${label}`), title: t(`image_tools.${label}`), onclick: () => view.zoomBy(factor),
  }, sign);
  const invert = button("invert", "I", () => view.toggleInvert(), { "aria-pressed": "false" });
  const words = el("output", { class: "readout" });
  const follow = () => {
    words.textContent = readout(view);
    invert.setAttribute("aria-pressed", view.invert);
    presets.forEach((preset, index) => preset.setAttribute("aria-pressed", Object.keys(PRESETS)[index] === view.preset));
  };
  view.watch(follow);
  follow();
  // The mouse leaves the focus at the questions, so that Enter still goes on.
  const stay = (event) => event.preventDefault();
  const bar = el("div", { class: "tools", role: "toolbar", "aria-label": t("image_tools.label"), onmousedown: stay },
    el("span", { class: "group", role: "group", "aria-label": t("image_tools.window") },
      el("span", { class: "label", "aria-hidden": "true" }, t("image_tools.window"), " ", el("kbd", {}, "W")), ...presets),
    el("span", { class: "group" }, round("zoom_out", "−", 0.8), round("zoom_in", "+", 1.25)),
    el("span", { class: "group" }, button("reset", "R", () => view.reset()), invert));
  return [bar, words];
}
