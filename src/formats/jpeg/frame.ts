/** @file The frame of a JPEG: its components with the coefficients of their blocks. */

import type { CodeTable } from "./huffman.ts";

/** A component, such as the lightness. */
export interface Component {
  readonly id: number;
  /** Sampling factors, 1 to 4. */
  readonly h: number;
  readonly v: number;
  /** Its table of quantisation. */
  readonly quantisation: number;
  /** Samples: those of the picture, by the sampling factors. */
  readonly width: number;
  readonly height: number;
  /** Blocks in a row and rows of blocks in a scan of its own. */
  readonly columns: number;
  readonly rows: number;
  /** Blocks in a row as they lie in `coefficients`, filled up to whole units of several components. */
  readonly stride: number;
  /** 64 for each block, in their natural order, before quantisation is undone. */
  readonly coefficients: Int16Array;
}

/** A frame. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly components: readonly Component[];
  /** The largest sampling factors. */
  readonly h: number;
  readonly v: number;
}

/** Tables as they stand when a scan begins. */
export interface Tables {
  readonly dc: (CodeTable | undefined)[];
  readonly ac: (CodeTable | undefined)[];
  readonly quantisation: (Uint16Array | undefined)[];
  restartInterval: number;
}

/** The natural place of the coefficient at each place of the zigzag. */
export const ZIGZAG = Uint8Array.from([
  ...[0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5],
  ...[12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28],
  ...[35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51],
  ...[58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63],
]);
