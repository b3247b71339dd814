// Smooth enlargement: bicubic interpolation of the 16-bit values, before window and level, so that
// a narrow window does not show steps. Catmull-Rom spline (Keys 1981, a = -1/2).

function weights(t) {
  const s = t * t;
  const c = s * t;
  return [(-c + 2 * s - t) / 2, (3 * c - 5 * s + 2) / 2, (-3 * c + 4 * s + t) / 2, (c - s) / 2];
}

/** For each output pixel: the four input positions and their weights; -1 where there is no image. */
function taps(size, out, scale, origin) {
  const index = new Int32Array(4 * out).fill(-1);
  const weight = new Float32Array(4 * out);
  for (let i = 0; i < out; i += 1) {
    const edge = (i + 0.5 - origin) / scale;
    if (edge < 0 || edge >= size) continue;
    const base = Math.floor(edge - 0.5);
    const values = weights(edge - 0.5 - base);
    for (let k = 0; k < 4; k += 1) {
      index[4 * i + k] = Math.min(size - 1, Math.max(0, base - 1 + k));
      weight[4 * i + k] = values[k];
    }
  }
  return { index, weight };
}

/**
 * The part of an image that a canvas shows.
 *
 * image: {rows, columns, pixels}; place: {x, y, scaleX, scaleY}, the canvas position of the image's
 * upper left corner and canvas pixels an image pixel. Returns Int32Array height x width of values
 * 0 .. 65535, -1 outside the image.
 */
export function resample(image, place, width, height) {
  const { rows, columns, pixels } = image;
  const across = taps(columns, width, place.scaleX, place.x);
  const down = taps(rows, height, place.scaleY, place.y);
  const wide = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    const line = row * columns;
    for (let x = 0; x < width; x += 1) {
      const at = 4 * x;
      if (across.index[at] < 0) continue;
      let sum = 0;
      for (let k = 0; k < 4; k += 1) sum += across.weight[at + k] * pixels[line + across.index[at + k]];
      wide[row * width + x] = sum;
    }
  }
  const out = new Int32Array(width * height).fill(-1);
  for (let y = 0; y < height; y += 1) {
    const at = 4 * y;
    if (down.index[at] < 0) continue;
    const [w0, w1, w2, w3] = down.weight.subarray(at, at + 4);
    const [r0, r1, r2, r3] = Array.from(down.index.subarray(at, at + 4), (row) => row * width);
    for (let x = 0; x < width; x += 1) {
      if (across.index[4 * x] < 0) continue;
      const value = w0 * wide[r0 + x] + w1 * wide[r1 + x] + w2 * wide[r2 + x] + w3 * wide[r3 + x];
      out[y * width + x] = value < 0 ? 0 : value > 65535 ? 65535 : (value + 0.5) | 0;
    }
  }
  return out;
}
