/** @file The evaluations of a training planned out: what each looks at, on which examples, and how often. */

import type { Dataset, Source } from "../../data/source.ts";
import { findSplit, heldOutSplit } from "../../data/splits/split-names.ts";
import { OcelliError } from "../../errors.ts";
import type { Evaluated, Evaluator } from "../../evaluate/evaluator.ts";
import { createEvaluator } from "../../evaluate/registry.ts";
import { type Tensor, trace } from "../../graph/index.ts";
import type { ImageModel } from "../../models/index.ts";
import { modelSpecs } from "../../nn/index.ts";
import type { BatchSpec } from "../../objectives/index.ts";
import { hotLabels } from "../../objectives/labels.ts";
import { type Duration, type DurationContext, toSteps } from "../../optim/index.ts";
import type { DeviceFeatures } from "../../preprocess/operation.ts";
import type { Preprocessing } from "../../preprocess/pipeline.ts";
import type { ModelCard } from "../../weights/model-card.ts";
import type { Config } from "../../config/config.ts";
import type { ModelAt } from "./objective.ts";
import { type ModelTensors, outputsOf } from "../../served/checkpoint-model.ts";

/** An evaluation of a plan. */
export interface PlannedEvaluation {
  readonly name: string;
  /** The split that it looks at, for errors. */
  readonly split: string;
  readonly source: Source;
  readonly evaluator: Evaluator;
  /** What an evaluator learns from that does. */
  readonly from: Source | undefined;
  /** Steps between two runs of it; undefined for the end alone. */
  readonly every: number | undefined;
  /** What the evaluator looks at, from a batch as it was uploaded. */
  readonly look: (arrays: ModelTensors, raw: DeviceFeatures) => Evaluated;
}

/** What evaluations are planned from. */
interface Planning {
  readonly dataset: Dataset;
  /** The sources that the training opened so far, by how the configuration calls them; those of evaluations join them. */
  readonly sources: Map<string, Source>;
  /** The source of a split, or of a slice of it. */
  readonly open: (split: string) => Promise<Source>;
  readonly card: Omit<ModelCard, "step">;
  readonly netAt: ModelAt;
  readonly preprocessing: Preprocessing;
  /** A batch after the preprocessing on the device. */
  readonly batch: BatchSpec;
  readonly context: DurationContext;
}

/**
 * The evaluations of a configuration, each tried on a batch without values, so that one that does not suit model or
 * data is an error before the first step.
 */
export async function planEvaluations(
  { evals, split: trained, best }: Pick<Config, "evals" | "split" | "best">,
  { dataset, sources, open, card, netAt, preprocessing, batch, context }: Planning,
): Promise<PlannedEvaluation[]> {
  const opened = async (split: string): Promise<Source> => {
    const source = sources.get(split) ?? (await open(split));
    sources.set(split, source);
    if (source.classes.length <= card.classes.length) return source;
    throw new OcelliError("data", `${split} has labels that ${trained} does not have.`);
  };
  const planned: PlannedEvaluation[] = [];
  for (const [name, evaluation] of Object.entries(evals ?? (await heldOut(dataset)))) {
    const { split, every, seqhw, ...options } = evaluation;
    const decides = best !== undefined && best.slice(0, best.lastIndexOf("/")) === name;
    const net = netAt(seqhw, `evals.${name}.seqhw`);
    const evaluator = createEvaluator(options, card);
    tryOn(evaluator, net, batch);
    const from = evaluator.learns && (evaluator.learns.from ?? trained);
    if (from === split) {
      throw new OcelliError("config", `evals.${name} would be judged on what it learns from.`, {
        hint: `Name another split, or another part of ${split}, as evals.${name}.from.`,
      });
    }
    planned.push({
      name,
      split,
      source: await opened(split),
      evaluator,
      from: from === undefined ? undefined : await opened(from),
      every: stepsOf(every ?? (decides ? EPOCH : undefined), context),
      look: (arrays, raw) => evaluatedOf(net, arrays, preprocessing.onDevice(raw)),
    });
  }
  return planned;
}

const EPOCH = { epochs: 1 } as const;

const stepsOf = (every: Duration | undefined, context: DurationContext): number | undefined =>
  every && toSteps(every, context);

/** What evaluators look at, from a batch after the preprocessing on the device. */
function evaluatedOf(
  net: ImageModel,
  arrays: ModelTensors,
  batch: Readonly<Record<string, Tensor>>,
): Evaluated {
  const outputs = outputsOf(net, arrays, batch.image);
  return { ...outputs, batch: { ...batch, labels: hotLabels(batch.label, outputs.output) } };
}

function tryOn(evaluator: Evaluator, net: ImageModel, batch: BatchSpec): void {
  const { params, variables } = modelSpecs(net, batch.image);
  const measure = (arrays: ModelTensors, features: Record<string, Tensor>) => {
    const { sums = {}, rows = {} } = evaluator.measure(evaluatedOf(net, arrays, features));
    return { sums, rows };
  };
  trace(measure, { params, variables }, batch);
}

/** The evaluation on the split that a data set holds out, and on its validation split after every epoch. */
async function heldOut(dataset: Dataset): Promise<NonNullable<Config["evals"]>> {
  const { name, splits } = dataset;
  const split = heldOutSplit(splits);
  const validation = findSplit(splits, "validation");
  if (split !== undefined) {
    const held = { type: "classification", split } as const;
    if (split === validation) return { [split]: { ...held, every: EPOCH } };
    const isThere = validation !== undefined && (await dataset.open(validation)).length > 0;
    return {
      [split]: held,
      ...(isThere && { [validation]: { type: "classification", split: validation, every: EPOCH } }),
    };
  }
  throw new OcelliError(
    "config",
    `${name} has no split to evaluate on, only ${splits.join(", ")}.`,
    {
      hint: 'Name a part of one, such as --evals.test.split "train[90%:]" with --split "train[:90%]".',
    },
  );
}
