/** @file One pass of an evaluator over a source. */

import { evaluationBatches } from "../data/batches.ts";
import type { BatchOptions } from "../data/batches.ts";
import { prefetch } from "../data/prefetch.ts";
import type { Source } from "../data/source.ts";
import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import type { Evaluated, Evaluator } from "../evaluate/evaluator.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Tree } from "../tree.ts";
import { disposeTree, readScalars, uploadTree } from "./device.ts";
import { type ModelTensors } from "./trained.ts";

/** What an evaluation is made of. */
interface EvaluationOptions extends BatchOptions {
  readonly engine: Engine;
  readonly evaluator: Evaluator;
  readonly source: Source;
  /** What the evaluator looks at, from a batch as it was uploaded. */
  readonly forward: (arrays: ModelTensors, batch: Readonly<Record<string, Tensor>>) => Evaluated;
}

/** Values by name. */
export type Values = Record<string, number>;

/** An evaluator over a source, compiled at its first use. */
export function createEvaluation({
  engine,
  evaluator,
  source,
  forward,
  ...batching
}: EvaluationOptions): (arrays: Tree<DeviceArray>) => Promise<Values> {
  const measure = jit(engine, function evaluate(arrays: ModelTensors, batch) {
    return evaluator.measure(forward(arrays, batch as Record<string, Tensor>));
  });
  return async (arrays) => {
    const totals: Values = {};
    const batches = prefetch(evaluationBatches(source, batching), {
      load: ({ features }) => uploadTree(engine, features),
      release: disposeTree,
    });
    for await (const batch of batches) {
      const sums = await readScalars((await measure(arrays, batch)) as Record<string, DeviceArray>);
      disposeTree(batch);
      for (const [name, sum] of Object.entries(sums)) totals[name] = (totals[name] ?? 0) + sum;
    }
    return Object.fromEntries(evaluator.summarise(totals));
  };
}
