/** @file vmap: a function of one example becomes a function of a batch, one rule per primitive. */

import { OcelliError } from "../errors.ts";
import { type Tree, flatten, unflatten } from "../tree.ts";
import { broadcastTo } from "./ops/broadcast.ts";
import { moveAxis } from "./ops/shape.ts";
import { type Program, evaluateProgram, traceRegion } from "./program.ts";
import { type Tensor, emit, shapeError, withScope } from "./tensor.ts";

interface Batched {
  readonly tensor: Tensor;
  /** Whether the leading axis is the batch axis. */
  readonly batched: boolean;
}

/** Replays a program over inputs of which some carry a leading batch axis; every output carries one. */
export function batchReplay(
  program: Program,
  inputs: readonly Tensor[],
  batched: readonly boolean[],
  size: number,
): Tensor[] {
  const start = inputs.map((tensor, i): Batched => ({ tensor, batched: batched[i] }));
  const outputs = evaluateProgram<Batched>(
    program,
    start,
    ({ primitive, attrs, scope }, operands) =>
      withScope(scope, () => {
        const tensors = operands.map(({ tensor }) => tensor);
        if (!operands.some((operand) => operand.batched)) {
          return emit(primitive, tensors, attrs).map((tensor) => ({ tensor, batched: false }));
        }
        const flags = operands.map((operand) => operand.batched);
        const context = { inputs: tensors, batched: flags, attrs: attrs as unknown, size };
        return primitive.batch(context).map((tensor) => ({ tensor, batched: true }));
      }),
  );
  return outputs.map(({ tensor, batched: has }) =>
    has ? tensor : broadcastTo(tensor, [size, ...tensor.shape]),
  );
}

/** The program of a batched region: the same inputs, those marked with a leading batch axis. */
export function batchProgram(program: Program, batched: readonly boolean[], size: number): Program {
  const specs = program.inputs.map(({ shape, dtype }, i) => ({
    shape: batched[i] ? [size, ...shape] : shape,
    dtype,
  }));
  return traceRegion(specs, (...args) => batchReplay(program, args, batched, size)).program;
}

/** Options of {@link vmap}. */
export interface VmapOptions {
  /** The batch axis of each argument (all its leaves); null for an argument shared by all examples. Default 0. */
  readonly inAxes?: readonly (number | null)[];
  /** Where the batch axis of every output goes. Default 0. */
  readonly outAxis?: number;
}

/**
 * Maps a function over a batch axis of its arguments, without a loop.
 *
 * @example
 * vmap((x: Tensor, y: Tensor) => matmul(x, y), { inAxes: [0, null] })(xs, y);
 */
export function vmap<Args extends readonly Tree<Tensor>[], R extends Tree<Tensor>>(
  fn: (...args: Args) => R,
  { inAxes, outAxis = 0 }: VmapOptions = {},
): (...args: Args) => R {
  return (...args) => {
    const { leaves, structure } = flatten<Tensor>(args);
    if (inAxes && inAxes.length !== args.length) {
      throw new OcelliError(
        "argument",
        `vmap: ${inAxes.length} inAxes for ${args.length} arguments.`,
      );
    }
    const axes = args.flatMap((arg, i) =>
      flatten<Tensor>(arg).leaves.map(() => (inAxes ? inAxes[i] : 0)),
    );
    const extents = leaves.flatMap(({ shape }, i) => (axes[i] === null ? [] : [shape.at(axes[i])]));
    const [size] = extents;
    if (size === undefined || extents.some((extent) => extent !== size)) {
      throw shapeError("vmap", leaves, `the batch axes have extents [${extents}], not one extent`);
    }
    const moved = leaves.map((leaf, i) => (axes[i] === null ? leaf : moveAxis(leaf, axes[i], 0)));
    const specs = moved.map(({ shape, dtype }, i) => ({
      shape: axes[i] === null ? shape : shape.slice(1),
      dtype,
    }));
    let outStructure: ReturnType<typeof flatten>["structure"] | undefined;
    const { program, captures } = traceRegion(specs, (...inner) => {
      const result = flatten<Tensor>(fn(...(unflatten(structure, inner) as unknown as Args)));
      outStructure = result.structure;
      return result.leaves;
    });
    const flags = [...axes.map((axis) => axis !== null), ...captures.map(() => false)];
    const outputs = batchReplay(program, [...moved, ...captures], flags, size);
    return unflatten(
      outStructure!,
      outputs.map((x) => moveAxis(x, 0, outAxis)),
    ) as R;
  };
}
