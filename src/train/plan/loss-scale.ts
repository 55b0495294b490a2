/** @file Whether the loss of a training is scaled: as the configuration says, else where it is computed with float16. */

import type { Config } from "../../config/config.ts";
import { type Program, trace } from "../../graph/index.ts";
import { isProgram } from "../../graph/program.ts";
import type { Batch, BatchSpec, Objective } from "../../objectives/index.ts";
import { type LossScaling, lossScaleSchema } from "../../optim/index.ts";
import type { EvaluatedState } from "../step.ts";
import { objectiveSpecs } from "./reading.ts";

/** How the loss of a training is scaled; undefined where it is not. */
export function planLossScale(
  { lossScale }: Pick<Config, "lossScale">,
  objective: Objective,
  batchSpec: BatchSpec,
): LossScaling | undefined {
  if (lossScale !== undefined) return lossScale ?? undefined;
  const { program } = trace(
    (state: EvaluatedState, batch: Batch) => objective.loss({ ...state, batch, train: true }).loss,
    objectiveSpecs(objective, batchSpec),
    batchSpec,
  );
  return hasHalves(program) ? lossScaleSchema.parse({}) : undefined;
}

const hasHalves = ({ equations }: Program): boolean =>
  equations.some(
    ({ outputs, attrs }) =>
      outputs.some(({ dtype }) => dtype === "float16") ||
      Object.values(attrs as object).some((value) => isProgram(value) && hasHalves(value)),
  );
