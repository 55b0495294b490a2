/** @file Contract rows: Fourier transforms. */

import * as g from "../../../src/graph/index.ts";
import { type Case, array, draw } from "../table.ts";

const row = (
  name: string,
  fn: Case["fn"],
  inputs: Case["inputs"],
  more: Partial<Case> = {},
): Case => ({
  name,
  of: "fft",
  fn,
  inputs,
  scale: "array",
  ulps: 8,
  ...more,
});
const listed = ({ real, imaginary }: g.Complex): g.Tensor[] => [real, imaginary];
const pair = (real: g.Tensor, imaginary: g.Tensor): g.Complex => ({ real, imaginary });
const long: Partial<Case> = { gradient: "kinked", ulps: 16 };

export const fftCases: readonly Case[] = [
  row("fft", (a, b) => listed(g.fft(pair(a, b))), [draw([2, 6], 151), draw([2, 6], 152)]),
  row("ifft along the first axis", (a, b) => listed(g.ifft(pair(a, b), 0)), [
    draw([5, 2], 153),
    draw([5, 2], 154),
  ]),
  row("fft of one number", (a, b) => listed(g.fft(pair(a, b))), [
    draw([2, 1], 155),
    draw([2, 1], 156),
  ]),
  row("rfft of an even number", (a) => listed(g.rfft(a)), [draw([2, 8], 157)]),
  row("rfft of an odd number", (a) => listed(g.rfft(a)), [draw([2, 7], 158)]),
  row("rfft along the first axis", (a) => listed(g.rfft(a, 0)), [draw([6, 2], 159)]),
  row("irfft to an even number", (a, b) => g.irfft(pair(a, b), 8), [
    draw([2, 5], 160),
    draw([2, 5], 161),
  ]),
  row("irfft to an odd number", (a, b) => g.irfft(pair(a, b), 7), [
    draw([2, 4], 162),
    draw([2, 4], 163),
  ]),
  row("irfft to one number", (a, b) => g.irfft(pair(a, b), 1), [
    draw([2, 1], 164),
    draw([2, 1], 165),
  ]),
  row("rfft2", (a) => listed(g.rfft2(a)), [draw([2, 4, 6], 166)]),
  row("irfft2", (a, b) => g.irfft2(pair(a, b), 6), [draw([4, 4], 167), draw([4, 4], 168)]),
  row("rfft of 224 numbers", (a) => listed(g.rfft(a)), [draw([2, 224], 169)], long),
  row(
    "rfft of a prime number beyond one product",
    (a) => listed(g.rfft(a)),
    [draw([67], 170)],
    long,
  ),
  row(
    "fft of 1000 numbers",
    (a, b) => listed(g.fft(pair(a, b))),
    [draw([1000], 171), draw([1000], 172)],
    long,
  ),
  row("rfft of halves", (a) => listed(g.rfft(a)), [array([1, 2, 3, 4], "bfloat16")], {
    gradient: "none",
    expected: [
      [10, -2, -2],
      [0, 2, 0],
    ],
  }),
];
