/** @file Identities with a meaning: stopGradient, barrier, debugPrint. */

import { type Primitive, type Tensor, emit, emitOne, specOf } from "../tensor.ts";
import type { Value } from "../values.ts";
import { broadcastBatch } from "./broadcast.ts";
import { type NoAttrs } from "./pointwise.ts";

const free = (): number => 0;

const stopGradientP: Primitive<"stopGradient", NoAttrs> = {
  name: "stopGradient",
  infer: ([x]) => [specOf(x)],
  gradient: "none",
  batch: ({ inputs }) => [emitOne(stopGradientP, inputs, {})],
  interpret: ([x]) => [x],
  flops: free,
};

const barrierP: Primitive<"barrier", NoAttrs> = {
  name: "barrier",
  opaque: true,
  infer: (inputs) => inputs.map(specOf),
  gradient(_context, cotangents) {
    const tied = barrier(cotangents.filter((d): d is Tensor => d !== null));
    return cotangents.map((d) => (d ? tied.shift()! : null));
  },
  batch: (context) => emit(barrierP, broadcastBatch(context), {}),
  interpret: (inputs) => [...inputs],
  flops: free,
};

/** Receives what {@link debugPrint} shows; tests and pages may replace it. */
export const debugSink = {
  write: (label: string, value: Value): void => {
    const shown = Array.from(value.data.subarray(0, 16), (x) => Number(x.toPrecision(6))).join(
      ", ",
    );
    const more = value.data.length > 16 ? ", …" : "";
    console.error(`${label}: ${value.dtype}[${value.shape}] ${shown}${more}`);
  },
};

const debugPrintP: Primitive<"debugPrint", { label: string }> = {
  name: "debugPrint",
  opaque: true,
  infer: ([x]) => [specOf(x)],
  gradient: (_context, [d]) => [d],
  batch: ({ inputs, attrs }) => [emitOne(debugPrintP, inputs, attrs)],
  interpret([x], { label }) {
    debugSink.write(label, x);
    return [x];
  },
  flops: free,
};

/** The identities with a meaning, by name. */
export const barrierPrimitives = {
  stopGradient: stopGradientP,
  barrier: barrierP,
  debugPrint: debugPrintP,
};

/** x, with a zero gradient. */
export const stopGradient = (x: Tensor): Tensor => emitOne(stopGradientP, [x], {});

/** The same tensors, tied together: no optimiser moves work across or merges it. */
export const barrier = (tensors: readonly Tensor[]): Tensor[] =>
  tensors.length === 0 ? [] : emit(barrierP, tensors, {});

/** x, printed to standard error with a label when the program runs. */
export const debugPrint = (label: string, x: Tensor): Tensor =>
  emitOne(debugPrintP, [x], { label });
