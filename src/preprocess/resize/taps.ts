/** @file Taps: which source positions make an output position along one axis, with what weights. */

/** The taps of every output position along one axis. */
export interface Taps {
  /** The first source position, by output position; it never decreases. */
  readonly start: Int32Array;
  /** How many source positions follow one another. */
  readonly count: Int32Array;
  /** The weights of output position i begin at i · span. */
  readonly weights: Float32Array;
  /** The most taps that any output position has. */
  readonly span: number;
}

/** The part of an axis that the outputs cover, in pixels and fractions of them. */
export interface Interval {
  readonly begin: number;
  readonly length: number;
}

/** The output positions that are wanted of an axis, in whole pixels. */
export type Window = Interval;

/** Taps from the positions and weights of each output position in a window. */
export function makeTaps(
  { begin, length: outputs }: Window,
  tapsOf: (output: number) => { readonly start: number; readonly weights: readonly number[] },
): Taps {
  const all = Array.from({ length: outputs }, (_, i) => tapsOf(begin + i));
  const span = all.reduce((most, { weights }) => Math.max(most, weights.length), 0);
  const weights = new Float32Array(outputs * span);
  all.forEach((taps, i) => weights.set(taps.weights, i * span));
  return {
    start: Int32Array.from(all, ({ start }) => start),
    count: Int32Array.from(all, (taps) => taps.weights.length),
    weights,
    span,
  };
}

/** Pixels of [height, width, channels], row by row. */
export interface Pixels {
  readonly data: Uint8Array | Float32Array;
  readonly width: number;
  readonly channels: number;
}

/**
 * Weighs the columns, then the rows: [height, width, channels] to [rows, columns, channels] in float32. A source row
 * is weighed once, when the first output row needs it, and only as many rows are held as one output row spans.
 *
 * @param write receives each output row; its array is used again for the next
 */
export function weigh(
  source: Pixels,
  rows: Taps,
  columns: Taps,
  write: (row: number, values: Float32Array) => void,
): void {
  const length = columns.start.length * source.channels;
  const held = new Float32Array(rows.span * length); // source row r lies at (r mod span)
  const values = new Float32Array(length);
  let next = 0;
  for (let y = 0; y < rows.start.length; y++) {
    const start = rows.start[y];
    const end = start + rows.count[y];
    for (let row = Math.max(next, start); row < end; row++) {
      weighRow(source, row, columns, held, (row % rows.span) * length);
    }
    next = Math.max(next, end);
    sumRows(held, rows, y, values);
    write(y, values);
  }
}

/** One source row to its weighed columns. */
function weighRow(
  { data, width, channels }: Pixels,
  row: number,
  { start, count, weights, span }: Taps,
  out: Float32Array,
  at: number,
): void {
  const begin = row * width * channels;
  for (let x = 0; x < start.length; x++) {
    const first = begin + start[x] * channels;
    const taps = count[x];
    if (channels === 3) {
      let [red, green, blue] = [0, 0, 0];
      for (let t = 0, from = first; t < taps; t++, from += 3) {
        const weight = weights[x * span + t];
        red += weight * data[from];
        green += weight * data[from + 1];
        blue += weight * data[from + 2];
      }
      out[at++] = red;
      out[at++] = green;
      out[at++] = blue;
      continue;
    }
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let t = 0; t < taps; t++) sum += weights[x * span + t] * data[first + t * channels + c];
      out[at++] = sum;
    }
  }
}

/** The weighed sum of the held rows that an output row spans. */
function sumRows(
  held: Float32Array,
  { start, count, weights, span }: Taps,
  y: number,
  values: Float32Array,
): void {
  const length = values.length;
  const taps = count[y];
  const first = (start[y] % span) * length;
  const w0 = weights[y * span];
  if (taps === 1) {
    for (let i = 0; i < length; i++) values[i] = w0 * held[first + i];
    return;
  }
  const second = ((start[y] + 1) % span) * length;
  const w1 = weights[y * span + 1];
  for (let i = 0; i < length; i++) values[i] = w0 * held[first + i] + w1 * held[second + i];
  for (let t = 2; t < taps; t++) {
    const from = ((start[y] + t) % span) * length;
    const weight = weights[y * span + t];
    for (let i = 0; i < length; i++) values[i] += weight * held[from + i];
  }
}
