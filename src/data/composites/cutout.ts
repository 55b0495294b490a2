/** @file A picture that is laid on others. */

/** A picture with transparent parts. */
export interface Cutout {
  readonly height: number;
  readonly width: number;
  /** Red, green, blue and alpha of each pixel. */
  readonly pixels: Uint8Array;
  /** Whether it is white, to be given a colour. */
  readonly plain: boolean;
}
