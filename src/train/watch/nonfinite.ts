/** @file Why a step was not finite: its batch and state replayed by a program that looks at every intermediate value. */

import { type DeviceArray, type Engine, jit } from "../../engines/engine.ts";
import {
  type Equation,
  type Tensor,
  add,
  convert,
  foldIn,
  isFinite,
  mul,
  reduceAnd,
  reshape,
  sliceAxis,
  stack,
} from "../../graph/index.ts";
import { collect } from "../../graph/program.ts";
import { isFloat } from "../../graph/dtype.ts";
import { equationMark } from "../../graph/tensor.ts";
import { type Named, globalNorm } from "../../optim/index.ts";
import type { Batch, Objective } from "../../objectives/index.ts";
import type { DeviceFeatures } from "../../preprocess/operation.ts";
import { toFlat } from "../../tree.ts";
import type { Config } from "../../config/config.ts";
import { type DeviceTree, disposeTree } from "../../served/device-trees.ts";
import type { Plan } from "../plan/plan.ts";
import type { DeviceState } from "../programs.ts";
import { gradientsAt } from "../gradients.ts";
import type { TrainState } from "../step.ts";

/** The first value of a step that is not finite. */
export interface NonFinite {
  /** Whether it is an input, or comes about forwards, backwards or in the norm of the gradient. */
  readonly where: "input" | "forward" | "gradient" | "norm" | "unknown";
  /** The input's name, or the layer's; "" outside of layers. */
  readonly name: string;
  /** The operation, and the shape and dtype of what it gave. */
  readonly operation?: string;
  readonly value?: string;
}

/** A value that the replay looks at. */
interface Looked {
  readonly tensor: Tensor;
  readonly found: NonFinite;
}

/** One entry for each value of a step, in the order of its computation, and where the search for its origin begins. */
interface Looks {
  readonly looked: readonly Looked[];
  readonly ends: readonly Tensor[];
}

/** Replays a step and finds the first value that is not finite and on which its loss or gradient depends. */
export async function explainNonFinite(
  engine: Engine,
  { accumulate }: Pick<Config, "accumulate">,
  plan: Pick<Plan, "objective" | "optimizer" | "preprocessing">,
  state: DeviceState,
  batch: DeviceTree,
): Promise<NonFinite> {
  let looks: Looks | undefined;
  const replay = jit(engine, function replay(traced: TrainState, raw: DeviceFeatures) {
    looks = lookAt(traced, raw, accumulate, plan);
    return stack(looks.looked.map(({ tensor }) => allFinite(tensor)));
  });
  const flags = (await replay(state, batch)) as DeviceArray;
  const { data } = await flags.read();
  disposeTree(flags);
  const { looked, ends } = looks!;
  const wrong = new Map<Tensor, NonFinite>();
  looked.forEach(({ tensor, found }, i) => {
    if (Number(data[i]) === 0) wrong.set(tensor, found);
  });
  return originOf(ends, wrong);
}

/** 1 where all of a tensor is finite, else 0; a float32 scalar. */
const allFinite = (x: Tensor): Tensor =>
  convert(reduceAnd(isFinite(reshape(convert(x, "float32"), [x.size]))), "float32");

/** Traces the forward and backward pass of a step, part after part, and lists its values. */
function lookAt(
  { params: tree, variables: first, step, key: stateKey }: TrainState,
  raw: DeviceFeatures,
  parts: number,
  { objective, optimizer, preprocessing }: Pick<Plan, "objective" | "optimizer" | "preprocessing">,
): Looks {
  const params = toFlat<Tensor>(tree);
  const trainable = optimizer.trainable(params);
  const batch = preprocessing.train.onDevice(raw);
  const stepKey = foldIn(stateKey, step);
  const forward: [from: number, to: number][] = [];
  const marked: Objective = {
    ...objective,
    loss(inputs) {
      const from = equationMark();
      const result = objective.loss(inputs);
      forward.push([from, equationMark()]);
      return result;
    },
  };
  const losses: Tensor[] = [];
  const gradients: Named[] = [];
  /** The passes at a point, part after part: the mean of their gradients. */
  const take = (point: Named): Named => {
    const pass = gradientsAt({ objective: marked, params, trainable: point, step });
    let variables = first;
    const taken: Named[] = [];
    for (let part = 0; part < parts; part++) {
      const key = parts === 1 ? stepKey : foldIn(stepKey, part);
      const result = pass(variables, parts === 1 ? batch : partOf(batch, part, parts), key);
      ({ variables } = result);
      losses.push(result.loss);
      taken.push(result.grads);
    }
    gradients.push(...taken);
    const meanOf = (name: string): Tensor =>
      mul(taken.map((grads) => grads[name]).reduce(add), 1 / parts);
    return Object.fromEntries(Object.keys(point).map((name) => [name, meanOf(name)]));
  };
  const firstGrads = take(trainable);
  if (optimizer.second) take(optimizer.second.at(trainable, firstGrads, { step }));
  const beforeNorm = equationMark();
  const norms = gradients.map((grads) => globalNorm(grads));
  const inputs = Object.entries({ ...toFlat<Tensor>({ params, batch: raw }) }).filter(
    ([, { dtype }]) => isFloat(dtype),
  );
  const all = gradients.flatMap((grads) => Object.values(grads));
  const { equations } = collect([...losses, ...all, ...norms], new Set());
  const where = ({ id }: Equation): NonFinite["where"] => {
    if (id >= beforeNorm) return "norm";
    return id < forward[0][0] || forward.some(([from, to]) => id >= from && id < to)
      ? "forward"
      : "gradient";
  };
  const values = equations
    .filter((equation) => equation.inputs.length > 0) // constants may hold infinities on purpose
    .flatMap((equation) =>
      equation.outputs
        .filter(({ dtype }) => isFloat(dtype))
        .map((tensor) => ({
          tensor,
          found: {
            where: where(equation),
            name: equation.scope,
            operation: equation.primitive.name,
            value: String(tensor),
          },
        })),
    );
  return {
    looked: [
      ...inputs.map(([name, tensor]) => ({ tensor, found: { where: "input" as const, name } })),
      ...values,
    ],
    ends: [...losses, ...all, ...norms],
  };
}

const partOf = (batch: Batch, part: number, parts: number): Batch =>
  Object.fromEntries(
    Object.entries(batch).map(([name, rows]) => {
      const size = rows.shape[0] / parts;
      return [name, sliceAxis(rows, 0, part * size, (part + 1) * size)];
    }),
  );

/**
 * The earliest of the wrong values from which wrong values lead to an end: an infinity that a mask puts in and that
 * disappears again is none.
 */
function originOf(ends: readonly Tensor[], wrong: ReadonlyMap<Tensor, NonFinite>): NonFinite {
  const reached = new Set<Tensor>();
  const stack = ends.filter((end) => wrong.has(end));
  while (stack.length > 0) {
    const tensor = stack.pop()!;
    if (reached.has(tensor)) continue;
    reached.add(tensor);
    for (const input of tensor.equation?.inputs ?? []) if (wrong.has(input)) stack.push(input);
  }
  const earliest = [...reached].sort((a, b) => (a.equation?.id ?? -1) - (b.equation?.id ?? -1));
  return earliest.length > 0 ? wrong.get(earliest[0])! : { where: "unknown", name: "" };
}

/** The finding in words. */
export function describeNonFinite({ where, name, operation, value }: NonFinite): string {
  const layer = name === "" ? "the loss" : name;
  switch (where) {
    case "input":
      return `its input ${name} holds values that are not finite`;
    case "forward":
      return `first in ${layer}, the output of ${operation} (${value})`;
    case "gradient":
      return `first in the gradient of ${layer}, in ${operation} (${value})`;
    case "norm":
      return "the gradients are finite, but their norm overflows";
    case "unknown":
      return "in the replay every value is finite";
  }
}
