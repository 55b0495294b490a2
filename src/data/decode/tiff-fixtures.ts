/** @file TIFF files for tests: one row of pixels, as they are. */

/** What a TIFF says of its channels. */
interface Channels {
  /** 1 for grey (0 is black), 2 for red, green and blue, 5 for CMYK. */
  readonly photometric: 1 | 2 | 5;
  /** 1 for whole numbers, 2 for signed ones, 3 for floating point. */
  readonly format?: 1 | 2 | 3;
  /** Whether the last channel is alpha by which colours are not multiplied. */
  readonly alpha?: boolean;
}

/** A TIFF of one row; `values` are its channels, pixel after pixel. */
export function tiffRow(
  values: Uint8Array | Uint16Array | Int16Array | Uint32Array | Float32Array,
  count: number,
  { photometric, format = 1, alpha = false }: Channels,
): Uint8Array {
  const width = values.length / count;
  const bits = values.BYTES_PER_ELEMENT * 8;
  const head = 8;
  const tags: [tag: number, type: number, values: readonly number[]][] = [
    [256, 3, [width]],
    [257, 3, [1]],
    [258, 3, new Array<number>(count).fill(bits)],
    [259, 3, [1]],
    [262, 3, [photometric]],
    [273, 4, [head]],
    [277, 3, [count]],
    [278, 3, [1]],
    [279, 4, [values.byteLength]],
    ...(alpha ? [[338, 3, [2]] as [number, number, number[]]] : []),
    [339, 3, new Array<number>(count).fill(format)],
  ];
  const directory = head + values.byteLength + (values.byteLength % 2);
  let after = directory + 2 + tags.length * 12 + 4;
  const file = new DataView(new ArrayBuffer(after + 64));
  const bytes = new Uint8Array(file.buffer);
  bytes.set([0x49, 0x49, 42, 0]);
  file.setUint32(4, directory, true);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), head);
  file.setUint16(directory, tags.length, true);
  tags.forEach(([tag, type, entries], i) => {
    const at = directory + 2 + i * 12;
    const size = type === 3 ? 2 : 4;
    file.setUint16(at, tag, true);
    file.setUint16(at + 2, type, true);
    file.setUint32(at + 4, entries.length, true);
    const inside = entries.length * size <= 4;
    if (!inside) file.setUint32(at + 8, after, true);
    entries.forEach((entry, k) => {
      const to = (inside ? at + 8 : after) + k * size;
      if (size === 2) file.setUint16(to, entry, true);
      else file.setUint32(to, entry, true);
    });
    if (!inside) after += entries.length * size;
  });
  return bytes;
}
