/** @file Control flow chosen at run time: cond and whileLoop. */

import { batchProgram, batchReplay } from "../batching.ts";
import { pullBack } from "../gradient.ts";
import { interpretProgram } from "../interpret.ts";
import {
  type Program,
  type Region,
  programFlops,
  replay,
  traceRegion,
  withCaptures,
} from "../program.ts";
import { type Primitive, type Tensor, dtypeError, emit, shapeError, specOf } from "../tensor.ts";
import { broadcastTo } from "./broadcast.ts";
import { zerosLike } from "./constant.ts";
import { reduceOr } from "./reduce.ts";
import { checkCarry } from "./scan.ts";
import { select } from "./select.ts";
import { broadcastInDim } from "./stretch.ts";

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
    const [a, b] = [whenTrue.outputs.map(specOf), whenFalse.outputs.map(specOf)];
    if (JSON.stringify(a) !== JSON.stringify(b)) {
      throw shapeError("cond", [...a, ...b], "the branches return different shapes or dtypes");
    }
    return a;
  },
  gradient({ inputs: [predicate, ...operands], attrs, needs }, cotangents) {
    const ds = cotangents.filter((d): d is Tensor => d !== null);
    const wanted = needs.slice(1);
    const branch = (program: Program): Region =>
      traceRegion([...operands, ...ds].map(specOf), (...args) => {
        const inner = args.slice(0, operands.length);
        const seeds = args.slice(operands.length);
        const all = cotangents.map((d) => (d ? seeds.shift()! : null));
        const targets = inner.filter((_, i) => wanted[i]);
        const grads = pullBack(replay(program, inner), all, targets);
        return grads.map((d, i) => d ?? zerosLike(targets[i]));
      });
    const { whenTrue, whenFalse } = attrs;
    const grads = choose(predicate, [...operands, ...ds], branch(whenTrue), branch(whenFalse));
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
  optionalOutputs: () => 0,
};

/** Applies one of two regions to operands; both get the captures of either. */
function choose(predicate: Tensor, operands: readonly Tensor[], a: Region, b: Region): Tensor[] {
  const captures = [...new Set([...a.captures, ...b.captures])];
  return emit(condP, [predicate, ...operands, ...captures], {
    whenTrue: withCaptures(a, captures),
    whenFalse: withCaptures(b, captures),
  });
}

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
  infer: (_inputs, { body }) => body.outputs.map(specOf),
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

/** The branching primitives by name. */
export const branchPrimitives = { cond: condP, whileLoop: whileP };

/** One of two functions of the same operands, chosen at run time by a bool scalar; only that one runs. */
export function cond(
  predicate: Tensor,
  whenTrue: (...operands: Tensor[]) => readonly Tensor[],
  whenFalse: (...operands: Tensor[]) => readonly Tensor[],
  ...operands: Tensor[]
): Tensor[] {
  const specs = operands.map(specOf);
  return choose(predicate, operands, traceRegion(specs, whenTrue), traceRegion(specs, whenFalse));
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
