/** @file What a model begins with: a run's arrays, or weights that somebody published. */

import { OcelliError } from "../errors.ts";
import type { HostArray, Spec } from "../graph/index.ts";
import type { ImageModel } from "../models/index.ts";
import { modelSpecs } from "../nn/index.ts";
import { runCheckpoint } from "../runs/run.ts";
import { fromFlat } from "../tree.ts";
import type { Checkpoint, ModelCard } from "../weights/checkpoint.ts";
import { readCheckpointFile } from "../weights/checkpoint-file.ts";
import { fitWeights, loadWeights } from "../weights/index.ts";
import type { Config } from "./config.ts";
import { fitted } from "./trained.ts";

/** Arrays by nested name; a parameter that is not there keeps its own initial value. */
export interface Initial extends Pick<Checkpoint, "params" | "variables"> {
  /** What was changed on the way, a line each. */
  readonly notes: readonly string[];
}

/**
 * The arrays that a configuration's `init` names, for a model: a run's must fit it as they are, weights are fitted to it.
 *
 * @throws a data error where there is nothing; a shape error that lists both sides where they do not fit
 */
export async function loadInitial(
  init: NonNullable<Config["init"]>,
  model: ImageModel,
  card: Omit<ModelCard, "step">,
): Promise<Initial> {
  if (typeof init === "string") return { ...ownArrays(init, model, card), notes: [] };
  const { weights, head } = init;
  const report: string[] = [];
  const { arrays } = await loadWeights(weights, { report: (line) => report.push(line) });
  const image: Spec = { shape: [1, ...card.imageShape], dtype: "float32" };
  const resizesPatches = card.model.name === "flexivit";
  const found = fitWeights(weights, arrays, modelSpecs(model, image), { head, resizesPatches });
  return {
    params: fromFlat<HostArray>(found.params),
    variables: fromFlat<HostArray>(found.variables),
    notes: [
      ...report,
      ...found.resized.map((line) => `${weights}: resized ${line}`),
      ...found.fresh.map((name) => `${weights}: ${name} begins anew`),
    ],
  };
}

/** A run's arrays, which must fit as they are. */
function ownArrays(path: string, model: ImageModel, card: Omit<ModelCard, "step">) {
  const checkpoint = readCheckpointFile(runCheckpoint(path), path);
  try {
    return fitted(path, model, { ...checkpoint, card: { ...card, step: 0 } });
  } catch (cause) {
    if (!(cause instanceof OcelliError) || cause.code !== "shape") throw cause;
    const hint = `--init.weights ${path} resizes positions, with --init.head drop it begins with a new classifier.`;
    throw new OcelliError("shape", cause.message, { given: cause.given, hint, cause });
  }
}
