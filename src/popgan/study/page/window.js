// Window and level: which stored values are shown black, which white, and the greys between them.

const TOP = 65535;

/** Value below which the share `share` (0 .. 1) of the pixels lies. */
export function percentile(pixels, share) {
  const sorted = Uint16Array.from(pixels).sort();
  return sorted[Math.floor(share * (sorted.length - 1))];
}

/** The bright end of the standard window: one rule for all images. The dark end is 0. */
export function brightEnd(pixels) {
  return Math.max(percentile(pixels, 0.998), 256);
}

/** Presets as centre and width in shares of the bright end; `full` is the whole stored range. */
export const PRESETS = {
  standard: { center: 0.5, width: 1 },
  narrow: { center: 0.55, width: 0.6 },
  dark: { center: 0.2, width: 0.4 },
  full: { center: 0.5, width: 1, full: true },
};

/** The values shown black and white for an image whose bright end is `bright`. */
export function bounds({ center, width, full }, bright) {
  const unit = full ? TOP : bright;
  return [(center - width / 2) * unit, (center + width / 2) * unit];
}

/** Grey 0 .. 255 of every stored value; rounded to the nearest. */
export function lookup(low, high, invert) {
  const table = new Uint8ClampedArray(TOP + 1);
  const slope = 255 / Math.max(high - low, 1);
  for (let value = 0; value <= TOP; value += 1) {
    const grey = Math.min(255, Math.max(0, (value - low) * slope));
    table[value] = Math.round(invert ? 255 - grey : grey);
  }
  return table;
}
