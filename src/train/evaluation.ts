/** @file One pass of an evaluator over a source. */

import { evaluationBatches } from "../data/batches.ts";
import type { BatchOptions } from "../data/batches.ts";
import { prefetch } from "../data/prefetch.ts";
import type { Source } from "../data/source.ts";
import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import type { Evaluated, Evaluator } from "../evaluate/evaluator.ts";
import type { HostArray } from "../graph/dtype.ts";
import { argMax, reduceMax } from "../graph/index.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Tree } from "../tree.ts";
import { disposeTree, readScalars, uploadTree } from "./device.ts";
import { shardBatch } from "./sharding.ts";
import { type ModelTensors } from "./trained.ts";

/** What an evaluation is made of. */
interface EvaluationOptions extends BatchOptions {
  readonly engine: Engine;
  readonly evaluator: Evaluator;
  readonly source: Source;
  /** What the evaluator looks at, from a batch as it was uploaded. */
  readonly forward: (arrays: ModelTensors, batch: Readonly<Record<string, Tensor>>) => Evaluated;
  /** Logits as probabilities. */
  readonly activate: (logits: Tensor) => Tensor;
}

/** Values by name. */
export type Values = Record<string, number>;

/** What a model made of a batch: for each row its best class and how sure it is. */
export interface SeenBatch {
  /** Indices of the examples; -1 where a row is none. */
  readonly indices: Int32Array;
  /** int32 [batch] where an example has one label. */
  readonly label: HostArray;
  readonly predicted: HostArray;
  readonly probability: HostArray;
}

/** An evaluation: values from a model's arrays; `see` is told of every batch. */
export type Evaluation = (
  arrays: Tree<DeviceArray>,
  see?: (batch: SeenBatch) => void,
) => Promise<Values>;

/** An evaluator over a source, compiled at its first use. */
export function createEvaluation({
  engine,
  evaluator,
  source,
  forward,
  activate,
  ...batching
}: EvaluationOptions): Evaluation {
  const measure = jit(engine, function evaluate(arrays: ModelTensors, batch) {
    const evaluated = forward(arrays, batch as Record<string, Tensor>);
    const probabilities = activate(evaluated.output); // [batch, classes]
    return {
      sums: evaluator.measure(evaluated),
      predicted: argMax(probabilities, 1), // [batch]
      probability: reduceMax(probabilities, 1), // [batch]
    };
  });
  return async (arrays, see) => {
    const totals: Values = {};
    const batches = prefetch(evaluationBatches(source, batching), {
      load: async ({ features, indices }) => ({
        batch: await uploadTree(engine, features, shardBatch(engine.mesh, batching.batchSize)),
        label: features.label,
        indices,
      }),
      release: ({ batch }) => disposeTree(batch),
    });
    for await (const { batch, label, indices } of batches) {
      const { sums, predicted, probability } = (await measure(arrays, batch)) as unknown as {
        sums: Record<string, DeviceArray>;
        predicted: DeviceArray;
        probability: DeviceArray;
      };
      for (const [name, sum] of Object.entries(await readScalars(sums))) {
        totals[name] = (totals[name] ?? 0) + sum;
      }
      if (see) {
        const read = { predicted: await predicted.read(), probability: await probability.read() };
        see({ indices, label, ...read });
      }
      disposeTree({ batch, predicted, probability });
    }
    return Object.fromEntries(evaluator.summarise(totals));
  };
}
