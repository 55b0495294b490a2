/** @file What a model begins with: a run's arrays, or weights that somebody published. */

import { OcelliError } from "../../errors.ts";
import type { HostArray } from "../../graph/index.ts";
import { type ModelCard, modelDefinition, positionGrid } from "../../models/index.ts";
import { modelSpecs } from "../../nn/index.ts";
import { fromFlat } from "../../tree.ts";
import type { Checkpoint } from "../../weights/checkpoint.ts";
import { type DescribedModel, describeSpec, fitWeights, loadWeights } from "../../weights/index.ts";
import type { Config } from "../../config/config.ts";
import { useRunFiles } from "../../served/modules.ts";
import { findOwn, openOwn } from "../../served/own.ts";
import { arraysOf, fitted } from "../../served/trained.ts";
import { type TaskModel, inputSpecs, wholeModel } from "../../tasks/index.ts";

/** Arrays by nested name; a parameter that is not there keeps its own initial value. */
export type Initial = Pick<Checkpoint, "params" | "variables">;

/** Who is told what happens. */
export interface Telling {
  /** A line for the run's log. */
  readonly note: (line: string) => void;
  /** A line at once, such as what is being fetched. */
  readonly report: (line: string) => void;
}

/**
 * The arrays that a configuration's `init` names, for a model: a run's must fit it as they are, weights are fitted to it.
 *
 * @throws a data error where there is nothing; a shape error that lists both sides where they do not fit
 */
export async function loadInitial(
  init: NonNullable<Config["init"]>,
  task: TaskModel,
  card: Omit<ModelCard, "step">,
  { note, report }: Telling,
): Promise<Initial> {
  await useRunFiles(typeof init === "string" ? init : init.weights);
  if (typeof init === "string") return ownArrays(init, task, card, note);
  const { weights, head } = init;
  const own = await findOwn(weights, note);
  const { arrays, givenGrid, described } = own
    ? { ...arraysOf(own), described: own.card.model }
    : await published(weights, report);
  const specs = modelSpecs(wholeModel(task), inputSpecs(task, card));
  const found = fitWeights(weights, arrays, specs, {
    head,
    grid: positionGrid(card.model, card.imageShape),
    givenGrid,
    resizesPatches: modelDefinition(card.model.name).resizesPatches,
  });
  for (const line of found.resized) note(`${weights}: resized ${line}`);
  for (const name of found.fresh) note(`${weights}: ${name} begins anew`);
  for (const line of described ? differences(described, card.model) : [])
    note(`${weights}: ${line}`);
  return {
    params: fromFlat<HostArray>(found.params),
    variables: fromFlat<HostArray>(found.variables),
  };
}

/** Weights of somebody else, of which a configuration beside them may say the part and the model. */
async function published(weights: string, report: Telling["report"]) {
  const known = await describeSpec(weights, { report });
  const { arrays } = await loadWeights(known?.weights ?? weights, { report });
  return { arrays, givenGrid: undefined, described: known?.model };
}

/** Options that no array shows, but that the weights were trained with. */
const UNSEEN = ["activation", "epsilon", "poolType", "zeroPool"] as const;

/** What the model does otherwise than the one that its weights are of, a line each. */
function differences(theirs: DescribedModel, ours: ModelCard["model"]): string[] {
  const settled = ({ name, ...options }: DescribedModel): Readonly<Record<string, unknown>> => {
    const { settle } = modelDefinition(name);
    return settle ? { ...settle(options) } : options;
  };
  const [before, now] = [settled(theirs), settled(ours)];
  return UNSEEN.flatMap((key) => {
    const [there, here] = [String(before[key] ?? false), String(now[key] ?? false)];
    if (there === here) return [];
    return [`the model has ${key} ${here}, its weights were trained with ${there}`];
  });
}

/** A run's arrays, which must fit as they are. */
async function ownArrays(
  path: string,
  task: TaskModel,
  card: Omit<ModelCard, "step">,
  note: Telling["note"],
): Promise<Initial> {
  const checkpoint = await openOwn(path, note);
  try {
    return fitted(path, task, { ...checkpoint, card: { ...card, step: 0 } });
  } catch (cause) {
    if (!(cause instanceof OcelliError) || cause.code !== "shape") throw cause;
    const hint = `--init.weights ${path} resizes positions, with --init.head drop it begins with a new classifier.`;
    throw new OcelliError("shape", cause.message, { given: cause.given, hint, cause });
  }
}
