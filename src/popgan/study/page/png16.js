// Reads the study's stimuli: 16-bit greyscale PNG, stored zlib blocks, filter 0 on every row.
// The browser's own decoder would reduce them to 8 bits before window and level are applied.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

function chunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (SIGNATURE.some((value, index) => bytes[index] !== value)) throw new Error("not a PNG");
  const found = {};
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length) throw new Error("cut short");
    (found[name] ??= []).push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
    if (name === "IEND") break;
  }
  return found;
}

function joined(parts) {
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function inflateStored(data, size) {
  const out = new Uint8Array(size);
  let from = 2; // after the zlib header
  let to = 0;
  for (let last = false; !last; ) {
    const head = data[from];
    if (head === undefined || (head & 6) !== 0) throw new Error("not stored");
    last = (head & 1) === 1;
    const length = data[from + 1] | (data[from + 2] << 8);
    from += 5;
    if (to + length > size || from + length > data.length) throw new Error("wrong length");
    out.set(data.subarray(from, from + length), to);
    from += length;
    to += length;
  }
  if (to !== size) throw new Error("wrong length");
  return out;
}

/** {rows, columns, pixels: Uint16Array row by row} of a stimulus; throws if it is anything else. */
export function parsePng(buffer) {
  const found = chunks(new Uint8Array(buffer));
  const head = found.IHDR?.[0];
  if (!head || head.length !== 13 || !found.IDAT) throw new Error("incomplete");
  const view = new DataView(head.buffer, head.byteOffset, 13);
  const [columns, rows] = [view.getUint32(0), view.getUint32(4)];
  const isGrey16 = head[8] === 16 && head[9] === 0 && head[12] === 0;
  if (!isGrey16 || !rows || !columns || rows > 4096 || columns > 4096) throw new Error("another kind");
  const stride = 1 + 2 * columns;
  const raw = inflateStored(joined(found.IDAT), rows * stride);
  const pixels = new Uint16Array(rows * columns);
  for (let row = 0, to = 0; row < rows; row += 1) {
    let from = row * stride;
    if (raw[from] !== 0) throw new Error("filtered");
    from += 1;
    for (let column = 0; column < columns; column += 1, from += 2, to += 1) {
      pixels[to] = (raw[from] << 8) | raw[from + 1];
    }
  }
  return { rows, columns, pixels };
}
