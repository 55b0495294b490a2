/** @file What is kept of every picture of a survey: a few bytes each in arrays of one size, so that memory is bounded. */

import { LOOK, type Look } from "./look.ts";

/** Flags of a picture. */
const FLAGS = { read: 1, transparent: 2, plain: 4 } as const;

/** Words of a digest and of a hash that are kept. */
const DIGEST = 4;
const HASH = 2;

/** What one picture is, to be kept. */
export interface Entry {
  /** The first 16 bytes of the SHA-256 of its bytes, and of its shape where they are pixels. */
  readonly digest: Uint8Array;
  /** Absent where it cannot be read. */
  readonly picture?: {
    readonly height: number;
    readonly width: number;
    readonly channels: number;
    readonly transparent: boolean;
    readonly plain: boolean;
    readonly look: Look;
  };
}

/** The pictures of a survey by row: those of one split after those of another. */
export class Ledger {
  readonly rows: number;
  readonly digests: Uint32Array;
  readonly hashes: Uint32Array;
  readonly looks: Uint8Array;
  readonly heights: Uint32Array;
  readonly widths: Uint32Array;
  readonly channels: Uint8Array;
  readonly flags: Uint8Array;
  /** The label by number; −1 where a picture has none, or several. */
  readonly labels: Int32Array;

  constructor(rows: number) {
    this.rows = rows;
    this.digests = new Uint32Array(rows * DIGEST);
    this.hashes = new Uint32Array(rows * HASH);
    this.looks = new Uint8Array(rows * LOOK);
    this.heights = new Uint32Array(rows);
    this.widths = new Uint32Array(rows);
    this.channels = new Uint8Array(rows);
    this.flags = new Uint8Array(rows);
    this.labels = new Int32Array(rows).fill(-1);
  }

  put(row: number, { digest, picture }: Entry): void {
    const words = new Uint32Array(Uint8Array.from(digest.subarray(0, 4 * DIGEST)).buffer);
    this.digests.set(words, row * DIGEST);
    if (!picture) return;
    const { look, height, width, channels, transparent, plain } = picture;
    this.hashes.set(look.hash, row * HASH);
    this.looks.set(look.small, row * LOOK);
    this.heights[row] = height;
    this.widths[row] = width;
    this.channels[row] = channels;
    this.flags[row] =
      FLAGS.read | (transparent ? FLAGS.transparent : 0) | (plain ? FLAGS.plain : 0);
  }

  has(row: number, flag: keyof typeof FLAGS): boolean {
    return (this.flags[row] & FLAGS[flag]) !== 0;
  }

  /** The rows with a flag, or all rows. */
  *rowsWith(flag: keyof typeof FLAGS): Generator<number, void> {
    for (let row = 0; row < this.rows; row++) if (this.has(row, flag)) yield row;
  }

  /** Compares two rows by their digests, for sorting. */
  compareDigests(a: number, b: number): number {
    for (let word = 0; word < DIGEST; word++) {
      const difference = this.digests[a * DIGEST + word] - this.digests[b * DIGEST + word];
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

/** Rows whose pictures are of the same bytes, two or more each, in the order of their first rows. */
export function equalRows(ledger: Ledger): number[][] {
  const sorted = Uint32Array.from(ledger.rowsWith("read"));
  sorted.sort((a, b) => ledger.compareDigests(a, b) || a - b);
  const groups: number[][] = [];
  for (let begin = 0, end = 1; begin < sorted.length; begin = end++) {
    while (end < sorted.length && ledger.compareDigests(sorted[begin], sorted[end]) === 0) end++;
    if (end - begin > 1) groups.push([...sorted.subarray(begin, end)]);
  }
  return groups.sort((a, b) => a[0] - b[0]);
}
