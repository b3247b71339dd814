// One image on a canvas: enlarged smoothly, with window and level, in the shared view.

import { el } from "./dom.js";
import { resample } from "./resample.js";
import { bounds, brightEnd, lookup } from "./window.js";

/** Draws one image; follows its view and the size of its place. */
export class Viewer {
  #image = null;
  #values = null;
  #placed = "";
  #frame = 0;

  /** `view`: a View; `spacing`: mm a row and a column. */
  constructor(view, spacing) {
    this.view = view;
    this.spacing = spacing;
    this.canvas = el("canvas", { class: "image", tabindex: "0", role: "img" });
    this.note = el("p", { class: "image-note", role: "status" });
    this.element = el("div", { class: "viewer" }, this.canvas, this.note);
    view.watch(() => this.#later());
    this.observer = new ResizeObserver(() => this.#later());
    this.observer.observe(this.element);
  }

  /** Show an image {rows, columns, pixels}, or nothing with a note. */
  show(image, label, note = "") {
    this.#image = image;
    this.#placed = "";
    this.bright = image ? brightEnd(image.pixels) : 0;
    this.canvas.setAttribute("aria-label", label);
    this.note.textContent = note;
    this.draw();
  }

  #later() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.draw());
  }

  /** Canvas position of the image's corner and canvas pixels an image pixel. */
  place() {
    const { width, height } = this.canvas;
    const { rows, columns } = this.#image;
    const [rowMm, columnMm] = this.spacing;
    const fit = Math.min(width / (columns * columnMm), height / (rows * rowMm)) * this.view.zoom;
    const [scaleX, scaleY] = [fit * columnMm, fit * rowMm];
    return {
      scaleX,
      scaleY,
      x: width / 2 - this.view.x * columns * scaleX,
      y: height / 2 - this.view.y * rows * scaleY,
    };
  }

  /** Where a point of the screen lies, in shares of the image. */
  shareAt(clientX, clientY) {
    if (!this.#image) return [0.5, 0.5];
    const box = this.canvas.getBoundingClientRect();
    const { x, y, scaleX, scaleY } = this.place();
    const ratio = this.canvas.width / box.width;
    return [
      ((clientX - box.left) * ratio - x) / (scaleX * this.#image.columns),
      ((clientY - box.top) * ratio - y) / (scaleY * this.#image.rows),
    ];
  }

  /** Lengths on the screen as shares of the image. */
  shareOf(dx, dy) {
    const [x0, y0] = this.shareAt(0, 0);
    const [x1, y1] = this.shareAt(dx, dy);
    return [x1 - x0, y1 - y0];
  }

  draw() {
    const box = this.element.getBoundingClientRect();
    const dense = Math.min(window.devicePixelRatio || 1, 2);
    const [width, height] = [Math.round(box.width * dense), Math.round(box.height * dense)];
    if (!width || !height) return;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const context = this.canvas.getContext("2d");
    if (!this.#image) {
      context.clearRect(0, 0, width, height);
      return;
    }
    const place = this.place();
    const placed = [width, height, ...Object.values(place)].join();
    if (placed !== this.#placed) {
      this.#values = resample(this.#image, place, width, height);
      this.#placed = placed;
    }
    const [low, high] = bounds(this.view.window, this.bright);
    const table = lookup(low, high, this.view.invert);
    const picture = context.createImageData(width, height);
    const words = new Uint32Array(picture.data.buffer);
    const values = this.#values;
    for (let at = 0; at < values.length; at += 1) {
      // 0 leaves the pixel transparent: black page around the image, also when inverted.
      words[at] = values[at] < 0 ? 0 : 0xff000000 | (table[values[at]] * 0x010101);
    }
    context.putImageData(picture, 0, 0);
  }
}
