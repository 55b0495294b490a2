/** @file The rows of the contract that ONNX Runtime refuses, by the reason: on a GPU, and in a tab. docs/gpu.md lists the reasons. */

import type { DType } from "../../src/graph/index.ts";
import { families } from "./cases/index.ts";
import type { Refusals } from "./suite.ts";
import { instancesOf } from "./table.ts";

/** Rows of a dtype, and those that convert to it. */
const rowsOf = (dtype: DType): string[] =>
  Object.values(families)
    .flat()
    .flatMap(instancesOf)
    .filter((row) => row.dtype === dtype || row.name === `convert to ${dtype}`)
    .map(({ id }) => id);

/** Everywhere but on the interpreter. */
const ALWAYS = {
  float64: ["float64"],
  int64: ["int64"],
  "debugPrint inside cond": ["debugPrint in cond"],
};

const HALVES = "float16 on a GPU without shader-f16";
const halves = (): string[] => [
  ...rowsOf("float16"),
  ...["uniform float16", "gumbel float16"],
  ...["convert rounds to even @ float32", "iota @ float32"],
];

/** On a GPU: with shader-f16 (`float16`), or without, as a software adapter. */
export const gpuRefusals = (float16 = false): Refusals => ({
  ...ALWAYS,
  ...(!float16 && { [HALVES]: halves() }),
  "convolutions along three axes": [
    "conv along three axes @ float32",
    "conv along three axes, strided @ float32",
    "conv along three axes, dilated @ float32",
    "conv along three axes, transposed @ float32",
    "conv along three axes, in groups @ float32",
    "conv along three axes, depthwise @ float32",
  ],
});

/** In a tab, on WebGPU or on WebAssembly: what is taken in and given back is looked at first. */
export function tabRefusals(device: "webgpu" | "wasm"): Refusals {
  const bound = [
    ...rowsOf("bfloat16"),
    ...["uniform bfloat16", "convert rounds to even @ float32"],
    ...["constant @ float32", "iota @ float32", "rfft of halves @ float32"],
  ];
  const others = Object.entries(device === "webgpu" ? gpuRefusals() : ALWAYS);
  return {
    ...Object.fromEntries(
      others.map(([why, rows]) => [why, rows.filter((row) => !bound.includes(row))]),
    ),
    [BOUND]: bound,
  };
}

const BOUND = "cannot take or return bfloat16";
const REASONS = [...Object.keys(gpuRefusals()), BOUND];

/** Refusals by the part of their message that says why, their rows sorted. */
export function sortedRefusals(refusals: Refusals): Refusals {
  const sorted: Record<string, string[]> = {};
  for (const [message, rows] of Object.entries(refusals)) {
    const reason = REASONS.find((known) => message.includes(known)) ?? message;
    (sorted[reason] ??= []).push(...rows);
  }
  return Object.fromEntries(Object.entries(sorted).map(([why, rows]) => [why, rows.sort()]));
}
