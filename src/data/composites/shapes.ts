/** @file Shapes that are drawn: white cut-outs, by functions that say which places lie inside. */

import type { Cutout } from "./cutout.ts";

/** Whether a place lies inside; x to the right and y down, from −1 to 1. */
type Inside = (x: number, y: number) => boolean;

/** The distance from the middle at which a star of five points ends in a direction. */
function starRadius(angle: number): number {
  const sector = (2 * Math.PI) / 5;
  const turn = (((angle % sector) + sector) % sector) - sector / 2; // from the middle between two points
  const [outer, inner] = [0.95, 0.42];
  const far = sector / 2 - Math.abs(turn); // from the nearer point
  const [px, py] = [inner * Math.cos(sector / 2), inner * Math.sin(sector / 2)];
  // where the ray at `far` meets the edge from the point (outer, 0) to the notch (px, py)
  return (outer * py) / (py * Math.cos(far) + (outer - px) * Math.sin(far));
}

/** Shapes by name. */
export const SHAPES: Readonly<Record<string, Inside>> = {
  disc: (x, y) => x * x + y * y < 0.8,
  square: (x, y) => Math.abs(x) < 0.75 && Math.abs(y) < 0.75,
  triangle: (x, y) => y < 0.75 && y > -0.9 && Math.abs(x) < 0.55 * (y + 0.9),
  star: (x, y) => Math.hypot(x, y) < starRadius(Math.atan2(y, x) + Math.PI / 2),
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.68) < 0.24,
  cross: (x, y) =>
    Math.max(Math.abs(x), Math.abs(y)) < 0.92 && Math.min(Math.abs(x), Math.abs(y)) < 0.3,
  heart(x, y) {
    const [u, v] = [1.25 * x, 0.15 - 1.2 * y];
    return (u * u + v * v - 0.8) ** 3 < u * u * v ** 3 * 1.2;
  },
  moon: (x, y) => x * x + y * y < 0.85 && (x - 0.45) ** 2 + y * y > 0.6,
};

/** Samples along each side of a pixel. */
const SAMPLES = 4;

/** A shape, white on nothing, its edge as transparent as the part of a pixel outside. */
export function drawShape(name: string, side: number): Cutout {
  const inside = SHAPES[name];
  const pixels = new Uint8Array(side * side * 4).fill(255);
  const place = (pixel: number, sample: number): number =>
    (2 * (pixel + (sample + 0.5) / SAMPLES)) / side - 1;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      let hits = 0;
      for (let i = 0; i < SAMPLES * SAMPLES; i++) {
        const [x, y] = [place(column, i % SAMPLES), place(row, Math.floor(i / SAMPLES))];
        if (inside(x, y)) hits++;
      }
      pixels[4 * (row * side + column) + 3] = Math.round((255 * hits) / SAMPLES ** 2);
    }
  }
  return { height: side, width: side, pixels, plain: true };
}
