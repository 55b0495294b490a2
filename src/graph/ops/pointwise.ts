/** @file What the elementwise primitives share: their domains, and makers of unary and binary ones. */

import { type DType, isFloat, isInteger, sameShape } from "../dtype.ts";
import {
  type Cotangent,
  type GradientContext,
  type Primitive,
  type Spec,
  type Tensor,
  dtypeError,
  emitOne,
  shapeError,
} from "../tensor.ts";
import { allocate, roundValue } from "../values.ts";
import { type TensorLike, broadcastBatch, promote } from "./broadcast.ts";

/** The attributes of a primitive that takes none. */
export type NoAttrs = Record<string, never>;

type Domain = "floats" | "numbers" | "integers" | "bool" | "integers or bool";

function checkDomain(name: string, inputs: readonly Spec[], domain: Domain): void {
  const { dtype } = inputs[0];
  const fits = {
    floats: isFloat(dtype),
    numbers: dtype !== "bool",
    integers: isInteger(dtype),
    bool: dtype === "bool",
    "integers or bool": dtype === "bool" || isInteger(dtype),
  }[domain];
  if (!fits) throw dtypeError(name, inputs, `takes ${domain}, not ${dtype}`);
}

/** Checks that operands agree in shape and dtype (no implicit promotion). */
export function checkSame(name: string, inputs: readonly Spec[]): void {
  const [first, ...rest] = inputs;
  for (const other of rest) {
    if (other.dtype !== first.dtype) {
      throw dtypeError(name, inputs, "operands must share one dtype; convert one of them");
    }
    if (!sameShape(other.shape, first.shape)) {
      throw shapeError(name, inputs, "operands must share one shape");
    }
  }
}

interface UnaryRule {
  readonly domain: Domain;
  readonly compute: (x: number) => number;
  /** The derivative times the cotangent, or null where it is zero everywhere. */
  readonly gradient: ((x: Tensor, y: Tensor, dy: Tensor) => Tensor) | null;
  readonly output?: DType;
}

/** A primitive of one operand, element by element. */
export function unary<N extends string>(name: N, rule: UnaryRule): Primitive<N, NoAttrs> {
  const { domain, compute, gradient, output } = rule;
  const primitive: Primitive<N, NoAttrs> = {
    name,
    infer(inputs) {
      checkDomain(name, inputs, domain);
      return [{ shape: inputs[0].shape, dtype: output ?? inputs[0].dtype }];
    },
    gradient: gradient
      ? ({ inputs, outputs }, [dy]) => [dy && gradient(inputs[0], outputs[0], dy)]
      : "none",
    batch: ({ inputs }) => [emitOne(primitive, inputs, {})],
    interpret([x]) {
      const dtype = output ?? x.dtype;
      const data = allocate(dtype, x.data.length);
      for (let i = 0; i < data.length; i++) data[i] = compute(x.data[i]);
      return [roundValue({ shape: x.shape, dtype, data })];
    },
  };
  return primitive;
}

/** What {@link binary} makes a primitive of. */
export interface BinaryRule {
  readonly domain: Domain;
  readonly compute: (x: number, y: number, dtype: DType) => number;
  /** The operands' cotangents, or null where they are zero everywhere. */
  readonly gradient: ((context: GradientContext<NoAttrs>, d: Tensor) => Cotangent[]) | null;
}

/** A primitive of two operands of one shape and dtype, element by element. */
export function binary<N extends string>(name: N, rule: BinaryRule): Primitive<N, NoAttrs> {
  const { domain, compute, gradient } = rule;
  const primitive: Primitive<N, NoAttrs> = {
    name,
    infer(inputs) {
      checkSame(name, inputs);
      checkDomain(name, inputs, domain);
      return [{ shape: inputs[0].shape, dtype: inputs[0].dtype }];
    },
    gradient: gradient ? (context, [d]) => (d ? gradient(context, d) : [null, null]) : "none",
    batch: (context) => [emitOne(primitive, broadcastBatch(context), {})],
    interpret([x, y]) {
      const data = allocate(x.dtype, x.data.length);
      for (let i = 0; i < data.length; i++) data[i] = compute(x.data[i], y.data[i], x.dtype);
      return [roundValue({ shape: x.shape, dtype: x.dtype, data })];
    },
  };
  return primitive;
}

/** The function that applies a primitive of one operand. */
export const liftUnary =
  (primitive: Primitive<string, NoAttrs>) =>
  (x: Tensor): Tensor =>
    emitOne(primitive, [x], {});

/** The function that applies a primitive of two operands: they broadcast, and a number takes the other's dtype. */
export const liftBinary =
  (primitive: Primitive<string, NoAttrs>) =>
  (x: TensorLike, y: TensorLike): Tensor =>
    emitOne(primitive, promote(primitive.name, x, y), {});
