/** @file Gradient control and control flow: stopGradient, barrier, debugPrint, remat, scan, cond, whileLoop. */

import { OcelliError } from "../../errors.ts";
import { isFloat, sizeOf } from "../dtype.ts";
import { batchProgram, batchReplay } from "../batching.ts";
import { pullBack } from "../gradient.ts";
import { interpretProgram } from "../interpret.ts";
import { type Program, collect, replay, traceRegion, withCaptures } from "../program.ts";
import {
  type Primitive,
  type BatchContext,
  type Cotangent,
  type Equation,
  type GradientContext,
  type Spec,
  Tensor,
  dtypeError,
  emit,
  emitOne,
  equationMark,
  extendEquation,
  shapeError,
  specOf,
} from "../tensor.ts";
import { type Value, zerosValue } from "../values.ts";
import { broadcastTo } from "./broadcast.ts";
import { zerosLike } from "./constant.ts";
import { add, select } from "./elementwise.ts";
import { reduceOr } from "./reduce.ts";
import { broadcastInDim, moveAxis } from "./shape.ts";

type NoAttrs = Record<string, never>;
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
  batch: (context) => emit(barrierP, broadcastRows(context), {}),
  interpret: (inputs) => [...inputs],
  flops: free,
};

const broadcastRows = ({ inputs, batched, size }: BatchContext<unknown>): Tensor[] =>
  inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape])));

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

/** The outputs' specs of a program. */
const resultSpecs = (program: Program): Spec[] => program.outputs.map(specOf);

/** Which values of a recomputed region are kept after all. */
export type SavePolicy = (equation: Equation) => boolean;

interface RematAttrs {
  readonly program: Program;
  readonly save: SavePolicy;
}

const rematP: Primitive<"remat", RematAttrs> = {
  name: "remat",
  infer: (_inputs, { program }) => resultSpecs(program),
  gradient({ inputs, attrs: { program, save }, needs, equation }, cotangents) {
    const kept = program.equations.filter(save).flatMap(({ outputs }) => outputs);
    const fresh = kept.filter((tensor) => !program.outputs.includes(tensor));
    const extended = { ...program, outputs: [...program.outputs, ...fresh] };
    if (fresh.length > 0) extendEquation(equation, { program: extended, save }, fresh.map(specOf));
    const held = kept.map((tensor) => equation.outputs[extended.outputs.indexOf(tensor)]);
    const ds = cotangents.filter((d): d is Tensor => d !== null);
    const tied = barrier([...inputs, ...held, ...ds]);
    const operands = tied.slice(0, inputs.length);
    const known = new Map(kept.map((tensor, i) => [tensor, tied[inputs.length + i]]));
    const mark = equationMark();
    const outputs = replay(program, operands, known);
    const seeds = tied.slice(inputs.length + held.length);
    const all = cotangents.map((d) => (d ? seeds.shift()! : null));
    const wanted = operands.filter((_, i) => needs[i]);
    const grads = pullBack(outputs, all, wanted, ({ id }) => id < mark);
    return needs.map((need) => (need ? (grads.shift() ?? null) : null));
  },
  batch: ({ inputs, batched, attrs: { program, save }, size }) =>
    emit(rematP, inputs, { program: batchProgram(program, batched, size), save }),
  interpret: (inputs, { program }) => interpretProgram(program, inputs),
  flops: (_inputs, _outputs, { program }) => programFlops(program),
};

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
    resultSpecs(program).map(({ shape, dtype }, i) => ({
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
    const ys = resultSpecs(program)
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
  const read = collect(outputs, new Set(parameters), ({ id }) => id < mark).free;
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

/** Two programs over the same operands, of which a predicate chooses one. */
export interface CondAttrs {
  readonly whenTrue: Program;
  readonly whenFalse: Program;
}

const condP: Primitive<"cond", CondAttrs> = {
  name: "cond",
  infer(inputs, { whenTrue, whenFalse }) {
    const [predicate] = inputs;
    if (predicate.dtype !== "bool" || predicate.shape.length !== 0) {
      throw dtypeError(
        "cond",
        [predicate],
        "the predicate must be a bool scalar; use select for more",
      );
    }
    const [a, b] = [resultSpecs(whenTrue), resultSpecs(whenFalse)];
    if (JSON.stringify(a) !== JSON.stringify(b)) {
      throw shapeError("cond", [...a, ...b], "the branches return different shapes or dtypes");
    }
    return a;
  },
  gradient({ inputs: [predicate, ...operands], attrs, needs }, cotangents) {
    const ds = cotangents.filter((d): d is Tensor => d !== null);
    const wanted = needs.slice(1);
    const branch = (program: Program): Program =>
      traceRegion([...operands, ...ds].map(specOf), (...args) => {
        const inner = args.slice(0, operands.length);
        const outer = args.slice(operands.length);
        const outputs = replay(program, inner);
        const seeds = cotangents.map((d) => (d ? outer.shift()! : null));
        const targets = inner.filter((_, i) => wanted[i]);
        return pullBack(outputs, seeds, targets).map((d, i) => d ?? zerosLike(targets[i]));
      }).program;
    const attrsBack = { whenTrue: branch(attrs.whenTrue), whenFalse: branch(attrs.whenFalse) };
    const grads = emit(condP, [predicate, ...operands, ...ds], attrsBack);
    return [null, ...wanted.map((need) => (need ? grads.shift()! : null))];
  },
  batch({ inputs, batched, attrs, size }) {
    const [predicate, ...operands] = inputs;
    const flags = batched.slice(1);
    if (!batched[0]) {
      return emit(condP, inputs, {
        whenTrue: batchProgram(attrs.whenTrue, flags, size),
        whenFalse: batchProgram(attrs.whenFalse, flags, size),
      });
    }
    const a = batchReplay(attrs.whenTrue, operands, flags, size);
    const b = batchReplay(attrs.whenFalse, operands, flags, size);
    return a.map((x, i) => select(broadcastInDim(predicate, x.shape, [0]), x, b[i]));
  },
  interpret([predicate, ...operands], { whenTrue, whenFalse }) {
    return interpretProgram(predicate.data[0] ? whenTrue : whenFalse, operands);
  },
  flops: (_inputs, _outputs, { whenTrue, whenFalse }) =>
    Math.max(programFlops(whenTrue), programFlops(whenFalse)),
};

/** A loop that goes on while a condition of its carry holds. */
export interface WhileAttrs {
  /** [carry…, captured…] → a bool scalar. */
  readonly condition: Program;
  /** [carry…, captured…] → [carry…]. */
  readonly body: Program;
  readonly carries: number;
}

const whileP: Primitive<"whileLoop", WhileAttrs> = {
  name: "whileLoop",
  infer: (_inputs, { body }) => resultSpecs(body),
  gradient: {
    refuse: "a loop of unknown length has no reverse gradient; use scan, whose length is fixed.",
  },
  batch({ inputs, batched, attrs: { condition, body, carries }, size }) {
    const flags = batched.map((has, i) => has || i < carries);
    const rows = inputs.map((x, i) =>
      flags[i] && !batched[i] ? broadcastTo(x, [size, ...x.shape]) : x,
    );
    const specs = rows.map(specOf);
    const going = (args: Tensor[]): Tensor => batchReplay(condition, args, flags, size)[0];
    return emit(whileP, rows, {
      condition: traceRegion(specs, (...args) => [reduceOr(going(args))]).program,
      body: traceRegion(specs, (...args) => {
        const go = going(args);
        const next = batchReplay(body, args, flags, size);
        return next.map((x, i) => select(broadcastInDim(go, x.shape, [0]), x, args[i]));
      }).program,
      carries,
    });
  },
  interpret(inputs, { condition, body, carries }) {
    let state = inputs.slice(0, carries);
    const captured = inputs.slice(carries);
    while (interpretProgram(condition, [...state, ...captured])[0].data[0]) {
      state = interpretProgram(body, [...state, ...captured]);
    }
    return [...state];
  },
};

/** Floating-point operations of a program, by its primitives' own counts. */
export function programFlops(program: Program): number {
  return program.equations.reduce((sum, { primitive, inputs, outputs, attrs }) => {
    const count = primitive.flops?.(inputs, outputs, attrs as unknown);
    return sum + (count ?? outputs.reduce((n, { shape }) => n + sizeOf(shape), 0));
  }, 0);
}

/** The gradient-control and control-flow primitives by name. */
export const controlPrimitives = {
  stopGradient: stopGradientP,
  barrier: barrierP,
  debugPrint: debugPrintP,
  remat: rematP,
  scan: scanP,
  cond: condP,
  whileLoop: whileP,
};

/** x, with a zero gradient. */
export const stopGradient = (x: Tensor): Tensor => emitOne(stopGradientP, [x], {});

/** The same tensors, tied together: no optimiser moves work across or merges it. */
export const barrier = (tensors: readonly Tensor[]): Tensor[] =>
  tensors.length === 0 ? [] : emit(barrierP, tensors, {});

/** x, printed to standard error with a label when the program runs. */
export const debugPrint = (label: string, x: Tensor): Tensor =>
  emitOne(debugPrintP, [x], { label });

/** Keeps nothing but the region's inputs. */
export const saveNothing: SavePolicy = () => false;
/** Keeps products without batch axes (the dense layers'), recomputes the rest. */
export const saveDots: SavePolicy = ({ primitive, attrs }) =>
  primitive.name === "dotGeneral" &&
  (attrs as { lhsBatch: readonly number[] }).lhsBatch.length === 0;

/** A function whose intermediate values are recomputed in the backward pass instead of kept. */
export const remat =
  (fn: (...args: Tensor[]) => readonly Tensor[], save: SavePolicy = saveNothing) =>
  (...args: Tensor[]): Tensor[] => {
    const { program, captures } = traceRegion(args.map(specOf), fn);
    return emit(rematP, [...args, ...captures], { program, save });
  };

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

function checkCarry(operation: string, before: readonly Tensor[], after: readonly Tensor[]): void {
  const same =
    before.length === after.length && before.every((x, i) => String(x) === String(after[i]));
  if (!same) {
    throw shapeError(operation, before, `the carry comes back as ${after.join(", ") || "nothing"}`);
  }
}

/** One of two functions of the same operands, chosen at run time by a bool scalar; only that one runs. */
export function cond(
  predicate: Tensor,
  whenTrue: (...operands: Tensor[]) => readonly Tensor[],
  whenFalse: (...operands: Tensor[]) => readonly Tensor[],
  ...operands: Tensor[]
): Tensor[] {
  const specs = operands.map(specOf);
  const [a, b] = [traceRegion(specs, whenTrue), traceRegion(specs, whenFalse)];
  const captures = [...new Set([...a.captures, ...b.captures])];
  return emit(condP, [predicate, ...operands, ...captures], {
    whenTrue: withCaptures(a, captures),
    whenFalse: withCaptures(b, captures),
  });
}

/** Applies `body` to a carry while `condition` holds. It has no gradient: use {@link scan} where one is needed. */
export function whileLoop(
  condition: (...carry: Tensor[]) => Tensor,
  body: (...carry: Tensor[]) => readonly Tensor[],
  initial: readonly Tensor[],
): Tensor[] {
  const specs = initial.map(specOf);
  const test = traceRegion(specs, (...carry) => {
    const going = condition(...carry);
    if (going.dtype !== "bool" || going.rank !== 0) {
      throw dtypeError("whileLoop", [going], "the condition must be a bool scalar");
    }
    return [going];
  });
  const step = traceRegion(specs, (...carry) => {
    const next = body(...carry);
    checkCarry("whileLoop", initial, next);
    return next;
  });
  const captures = [...new Set([...test.captures, ...step.captures])];
  return emit(whileP, [...initial, ...captures], {
    condition: withCaptures(test, captures),
    body: withCaptures(step, captures),
    carries: initial.length,
  });
}
