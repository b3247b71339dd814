// What the reader has done to the image: window, level, zoom, position, inversion. Two images side
// by side share one view, so that whatever is done to one is done to the other.

import { PRESETS } from "./window.js";

const NAMES = Object.keys(PRESETS);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** The shared view. Centre and width of the window are in shares of each image's own bright end. */
export class View {
  #watchers = new Set();

  constructor() {
    this.#start();
  }

  #start() {
    this.preset = "standard";
    this.window = { ...PRESETS.standard };
    this.zoom = 1;
    this.x = 0.5; // the image's point in the middle of the canvas, in shares of the image
    this.y = 0.5;
    this.invert = false;
  }

  /** Call `watcher` after every change. */
  watch(watcher) {
    this.#watchers.add(watcher);
  }

  #changed() {
    this.#watchers.forEach((watcher) => watcher());
  }

  reset() {
    this.#start();
    this.#changed();
  }

  usePreset(name) {
    this.preset = name;
    this.window = { ...PRESETS[name] };
    this.#changed();
  }

  nextPreset() {
    this.usePreset(NAMES[(NAMES.indexOf(this.preset) + 1) % NAMES.length]);
  }

  /** Factor for the width, shift of the centre in shares of the bright end. */
  adjust(factor, shift) {
    this.window.width = clamp(this.window.width * factor, 0.02, 4);
    this.window.center = clamp(this.window.center + shift, -0.5, 1.5);
    this.preset = ""; // no preset any more; the next one is the first
    this.#changed();
  }

  toggleInvert() {
    this.invert = !this.invert;
    this.#changed();
  }

  /** Zoom by a factor; the image point (x, y), in shares, stays where it is on the canvas. */
  zoomBy(factor, x = this.x, y = this.y) {
    const before = this.zoom;
    this.zoom = clamp(this.zoom * factor, 1, 12);
    const ratio = before / this.zoom;
    this.moveTo(x + (this.x - x) * ratio, y + (this.y - y) * ratio);
  }

  /** Shift by shares of the image. */
  move(dx, dy) {
    this.moveTo(this.x + dx, this.y + dy);
  }

  moveTo(x, y) {
    const slack = 0.5 - 0.5 / this.zoom;
    this.x = clamp(x, 0.5 - slack, 0.5 + slack);
    this.y = clamp(y, 0.5 - slack, 0.5 + slack);
    this.#changed();
  }
}
