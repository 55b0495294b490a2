/** @file scan: a loop of fixed length with a gradient. */

import { OcelliError } from "../../errors.ts";
import { batchProgram } from "../batching.ts";
import { isFloat, sizeOf } from "../dtype.ts";
import { pullBack } from "../gradient.ts";
import { interpretProgram } from "../interpret.ts";
import {
  type Program,
  collect,
  programFlops,
  replay,
  tensorList,
  traceRegion,
} from "../program.ts";
import {
  type Cotangent,
  type Equation,
  type GradientContext,
  type Primitive,
  Tensor,
  emit,
  equationMark,
  extendEquation,
  shapeError,
  specOf,
} from "../tensor.ts";
import { type Value, zerosValue } from "../values.ts";
import { add } from "./arithmetic.ts";
import { broadcastTo } from "./broadcast.ts";
import { zerosLike } from "./constant.ts";
import { moveAxis } from "./shape.ts";

/** A scan: carries run through `length` steps, xs are sliced and ys stacked along axis 0. */
export interface ScanAttrs {
  /** [carry…, x…, captured…] → [carry…, y…]. */
  readonly program: Program;
  readonly carries: number;
  readonly xs: number;
  readonly length: number;
  /** From the last slice to the first. */
  readonly reverse: boolean;
}

const scanP: Primitive<"scan", ScanAttrs> = {
  name: "scan",
  infer: (_inputs, { program, carries, length }) =>
    program.outputs.map(specOf).map(({ shape, dtype }, i) => ({
      shape: i < carries ? shape : [length, ...shape],
      dtype,
    })),
  gradient: (context, cotangents) => scanGradient(context, cotangents),
  batch({ inputs, batched, attrs, size }) {
    const { carries, xs } = attrs;
    const flags = batched.map((has, i) => has || i < carries);
    const operands = inputs.map((x, i) => {
      if (i < carries) return batched[i] ? x : broadcastTo(x, [size, ...x.shape]);
      return batched[i] && i < carries + xs ? moveAxis(x, 0, 1) : x;
    });
    const program = batchProgram(attrs.program, flags, size);
    const outputs = emit(scanP, operands, { ...attrs, program });
    return outputs.map((y, i) => (i < carries ? y : moveAxis(y, 1, 0)));
  },
  interpret(inputs, { program, carries, xs, length, reverse }) {
    let state = inputs.slice(0, carries);
    const sequences = inputs.slice(carries, carries + xs);
    const captured = inputs.slice(carries + xs);
    const ys = program.outputs
      .map(specOf)
      .slice(carries)
      .map(({ shape, dtype }) => zerosValue([length, ...shape], dtype));
    for (let step = 0; step < length; step++) {
      const at = reverse ? length - 1 - step : step;
      const rows = sequences.map((x): Value => {
        const shape = x.shape.slice(1);
        const n = sizeOf(shape);
        return { shape, dtype: x.dtype, data: x.data.slice(at * n, (at + 1) * n) };
      });
      const results = interpretProgram(program, [...state, ...rows, ...captured]);
      state = results.slice(0, carries);
      results.slice(carries).forEach((y, i) => ys[i].data.set(y.data, at * y.data.length));
    }
    return [...state, ...ys];
  },
  flops: (_inputs, _outputs, { program, length }) => length * programFlops(program),
  optionalOutputs: ({ carries }) => carries,
};

/**
 * The backward scan. Values of the forward body that it needs are stacked by the forward scan, unless they are
 * slices of xs (read again) or depend on captured tensors alone (computed once, outside). Cotangents of captured
 * tensors are summed in the carry.
 */
function scanGradient(
  { inputs, attrs, needs, equation }: GradientContext<ScanAttrs>,
  cotangents: readonly Cotangent[],
): Cotangent[] {
  const { program: body, carries, xs, length, reverse } = attrs;
  const [bodyCarry, bodyXs, bodyCaptured] = cut(body.inputs, [carries, xs]);
  const captured = inputs.slice(carries + xs);
  const carried = bodyCarry.map(({ dtype }) => isFloat(dtype));
  const wantedXs = bodyXs.filter((_, i) => needs[carries + i]);
  const wantedCaptured = bodyCaptured.filter((_, i) => needs[carries + xs + i]);
  const wantedCarry = bodyCarry.filter((_, i) => carried[i]);

  // one backward step, written over the forward body's own tensors
  const dCarry = wantedCarry.map((c) => new Tensor(specOf(c)));
  const sums = wantedCaptured.map((k) => new Tensor(specOf(k)));
  const dYs = cotangents
    .slice(carries)
    .map((d, i) => d && new Tensor(specOf(body.outputs[carries + i])));
  const nextCarry = bodyCarry.map((_, i) =>
    carried[i] ? dCarry[carried.slice(0, i).filter(Boolean).length] : null,
  );
  const wanted = [...wantedCarry, ...wantedXs, ...wantedCaptured];
  const mark = equationMark();
  const inBody = new Set<Equation>(body.equations);
  const ds = pullBack(body.outputs, [...nextCarry, ...dYs], wanted, (e) => !inBody.has(e));
  const [dCarryOut, dXsOut, dCapturedOut] = cut(
    ds.map((d, i) => d ?? zerosLike(wanted[i])),
    [wantedCarry.length, wantedXs.length],
  );
  const outputs = [...dCarryOut, ...dCapturedOut.map((d, i) => add(sums[i], d)), ...dXsOut];

  // what the backward step reads of the forward one
  const parameters = [...dCarry, ...sums, ...dYs.filter((d): d is Tensor => d !== null)];
  const kept = (e: Equation): boolean => e.id < mark && !(inBody.has(e) && isFree(e));
  const read = collect(outputs, new Set(parameters), kept).free;
  const varying = dependents(body, new Set([...bodyCarry, ...bodyXs]));
  const fromXs = read.filter((t) => bodyXs.includes(t));
  const stacked = read.filter((t) => varying.has(t) && !bodyXs.includes(t));
  const invariant = read.filter((t) => !varying.has(t));

  const current = equation.attrs as ScanAttrs; // an earlier gradient may have extended it
  const extended = { ...current.program, outputs: [...current.program.outputs, ...stacked] };
  const residuals = extendEquation(
    equation,
    { ...current, program: extended },
    stacked.map(({ shape, dtype }) => ({ shape: [length, ...shape], dtype })),
  );
  const hoisted = hoist(body, invariant, new Map(bodyCaptured.map((k, i) => [k, captured[i]])));

  const program: Program = {
    inputs: [...parameters, ...stacked, ...fromXs, ...invariant],
    outputs,
    equations: collect(outputs, new Set([...parameters, ...read])).equations,
  };
  const floatCarries = bodyCarry.map((_, i) => i).filter((i) => carried[i]);
  const operands = [
    ...floatCarries.map((i) => cotangents[i] ?? zerosLike(bodyCarry[i])),
    ...wantedCaptured.map((k) => zerosLike(k)),
    ...cotangents.slice(carries).filter((d): d is Tensor => d !== null),
    ...residuals,
    ...fromXs.map((t) => inputs[carries + bodyXs.indexOf(t)]),
    ...hoisted,
  ];
  const backwardCarries = dCarry.length + sums.length;
  const results = emit(scanP, operands, {
    program,
    carries: backwardCarries,
    xs: parameters.length - backwardCarries + stacked.length + fromXs.length,
    length,
    reverse: !reverse,
  });
  const [dInitial, dCaptured, dXs] = cut(results, [dCarry.length, sums.length]);
  return inputs.map((_, i) => {
    if (i < carries) return carried[i] ? dInitial.shift()! : null;
    if (!needs[i]) return null;
    return i < carries + xs ? dXs.shift()! : dCaptured.shift()!;
  });
}

/** Whether an equation's result is done again more cheaply than kept for every step. */
const isFree = ({ primitive }: Equation): boolean =>
  ["constant", "iota", "broadcastInDim", "reshape", "transpose"].includes(primitive.name);

/** The tensors of a program that depend on given inputs. */
function dependents(program: Program, from: Set<Tensor>): Set<Tensor> {
  const result = new Set(from);
  for (const { inputs, outputs } of program.equations) {
    if (inputs.some((x) => result.has(x))) outputs.forEach((y) => result.add(y));
  }
  return result;
}

/** Emits again, outside, the part of a body that leads to `targets`, which depend on `given` inputs alone. */
function hoist(
  body: Program,
  targets: readonly Tensor[],
  given: ReadonlyMap<Tensor, Tensor>,
): Tensor[] {
  const inBody = new Set(body.equations);
  const known = new Set(given.keys());
  const { equations, free: outer } = collect(targets, known, (e) => !inBody.has(e));
  const inputs = [...given.keys(), ...outer];
  return replay({ inputs, outputs: targets, equations }, [...given.values(), ...outer]);
}

/** Cuts a list into parts of given sizes and the rest. */
function cut<T>(list: readonly T[], sizes: readonly number[]): T[][] {
  let from = 0;
  const parts = sizes.map((n) => list.slice(from, (from += n)));
  return [...parts, list.slice(from)];
}

/** The scanning primitive by name. */
export const scanPrimitives = { scan: scanP };

/** Options of {@link scan}. */
export interface ScanOptions {
  /** The number of steps where there are no xs to tell it. */
  readonly length?: number;
  readonly reverse?: boolean;
}

/** What {@link scan} returns. */
export interface ScanResult {
  readonly carry: Tensor[];
  readonly ys: Tensor[];
}

/**
 * A loop of fixed length with a gradient: `body(carry, x)` → `{ carry, ys }`, xs sliced and ys stacked along axis 0.
 *
 * @example
 * scan((carry, x) => ({ carry: [add(carry[0], x[0])], ys: [] }), [zeros([3])], [xs]);
 */
export function scan(
  body: (carry: Tensor[], x: Tensor[]) => { carry: readonly Tensor[]; ys?: readonly Tensor[] },
  initial: readonly Tensor[],
  xs: readonly Tensor[] = [],
  { length, reverse = false }: ScanOptions = {},
): ScanResult {
  const steps = length ?? xs[0]?.shape[0];
  if (steps === undefined) throw new OcelliError("argument", "scan needs xs or a length.");
  if (xs.some((x) => x.shape[0] !== steps))
    throw shapeError("scan", xs, `not all xs have ${steps} steps`);
  const rows = xs.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
  const carries = initial.length;
  const { program, captures } = traceRegion([...initial.map(specOf), ...rows], (...args) => {
    const result = body(args.slice(0, carries), args.slice(carries));
    checkCarry("scan", initial, result.carry);
    return [...result.carry, ...(result.ys ?? [])];
  });
  const attrs = { program, carries, xs: xs.length, length: steps, reverse };
  const outputs = emit(scanP, [...initial, ...xs, ...captures], attrs);
  return { carry: outputs.slice(0, carries), ys: outputs.slice(carries) };
}

/** Checks that a loop's body returns its carry in the same shapes and dtypes. */
export function checkCarry(
  operation: string,
  before: readonly Tensor[],
  after: readonly Tensor[],
): void {
  tensorList(after);
  const same =
    before.length === after.length && before.every((x, i) => String(x) === String(after[i]));
  if (!same) {
    throw shapeError(operation, before, `the carry comes back as ${after.join(", ") || "nothing"}`);
  }
}
