/** @file Models with their layers apart, so that every intermediate value has a name of its own. */

import type { HostArray } from "../graph/index.ts";
import type { ModelCard } from "../models/index.ts";
import { modelSpecs } from "../nn/index.ts";
import type { TrainedModel } from "../served/outputs.ts";
import { imageSpec } from "../served/trained.ts";
import { taskOf } from "../tasks/index.ts";
import { fromFlat, toFlat } from "../tree.ts";
import { restack } from "../weights/stack.ts";

/** The same model with its layers apart: what a scan or a recomputation hides is then an intermediate like others. */
export function unrolled(trained: TrainedModel): TrainedModel {
  const { scan, rematPolicy, ...options } = trained.card.model as Record<string, unknown>;
  if (scan === undefined && rematPolicy === undefined) return trained;
  const card = { ...trained.card, model: options as ModelCard["model"] };
  const task = taskOf(card);
  const specs = toFlat(modelSpecs(task.model, imageSpec(card)).params) as Parameters<
    typeof restack
  >[1];
  const params = fromFlat(restack(toFlat<HostArray>(trained.params), specs));
  return { ...trained, card, task, model: task.model, params };
}
