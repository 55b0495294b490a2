/** @file What a model begins with: a run's arrays, or weights that somebody published. */

import { OcelliError, unknownName } from "../../errors.ts";
import type { HostArray, Spec } from "../../graph/index.ts";
import { type ModelCard, modelDefinition, positionGrid } from "../../models/index.ts";
import { type ModelSpecs, modelSpecs } from "../../nn/index.ts";
import { type Tree, fromFlat } from "../../tree.ts";
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
 * The arrays that a configuration's `init` names, for a model: a run's must fit it as they are, weights are fitted to it
 * or to its parts.
 *
 * @throws a data error where there is nothing; a shape error that lists both sides where they do not fit
 */
export async function loadInitial(
  init: NonNullable<Config["init"]>,
  task: TaskModel,
  card: Omit<ModelCard, "step">,
  telling: Telling,
): Promise<Initial> {
  if (typeof init === "string") {
    await useRunFiles(init);
    return ownArrays(init, task, card, telling.note);
  }
  const specs = modelSpecs(wholeModel(task), inputSpecs(task, card));
  const found =
    "parts" in init
      ? await fitParts(init.parts, specs, card, telling)
      : await fitPart(init, { specs, ...card }, telling);
  return { params: fromFlat<HostArray>(found.params), variables: fromFlat(found.variables) };
}

type Flat = Readonly<Record<string, HostArray>>;
type InitWeights = Extract<NonNullable<Config["init"]>, { readonly weights: string }>;

/** What weights are fitted to: a model, or a part of one. */
interface Target {
  readonly specs: ModelSpecs;
  /** Undefined for a part that is no model of its own. */
  readonly model: ModelCard["model"] | undefined;
  readonly imageShape: readonly number[];
  /** How the names of the part begin in the whole model, such as `img/`. */
  readonly prefix?: string;
}

/** Weights fitted to a model, or to a part of one; resized and new arrays are named in notes. */
async function fitPart(
  { weights, head }: InitWeights,
  { specs, model, imageShape, prefix = "" }: Target,
  { note, report }: Telling,
): Promise<{ readonly params: Flat; readonly variables: Flat }> {
  await useRunFiles(weights);
  const own = await findOwn(weights, note);
  const { arrays, givenGrid, described } = own
    ? { ...arraysOf(own), described: own.card.model }
    : await published(weights, report);
  const inner = prefix === "" ? [] : Object.keys(arrays).filter((name) => name.startsWith(prefix));
  const isPart = inner.length > 0;
  const given = isPart
    ? Object.fromEntries(inner.map((name) => [name.slice(prefix.length), arrays[name]]))
    : arrays;
  const found = fitWeights(weights, given, specs, {
    head,
    grid: model && positionGrid(model, imageShape),
    givenGrid,
    resizesPatches: model && modelDefinition(model.name).resizesPatches,
  });
  for (const line of found.resized) note(`${weights}: resized ${prefix}${line}`);
  for (const name of found.fresh) note(`${weights}: ${prefix}${name} begins anew`);
  const theirs = isPart ? described && partsOf(described)[prefix.slice(0, -1)] : described;
  for (const line of theirs && model ? differences(theirs, model) : []) note(`${weights}: ${line}`);
  return found;
}

/** Weights fitted to the parts of a model that they are for. */
async function fitParts(
  parts: Readonly<Record<string, InitWeights>>,
  specs: ModelSpecs,
  { model, imageShape }: Omit<ModelCard, "step">,
  telling: Telling,
): Promise<{ readonly params: Flat; readonly variables: Flat }> {
  const made = {
    params: {} as Record<string, HostArray>,
    variables: {} as Record<string, HostArray>,
  };
  const models = partsOf(model);
  for (const [part, weights] of Object.entries(parts)) {
    const inner = (all: Tree<Spec>): Tree<Spec> | undefined =>
      Object.hasOwn(all, part) ? (all as Readonly<Record<string, Tree<Spec>>>)[part] : undefined;
    const params = inner(specs.params);
    if (params === undefined || !isBranch(params)) {
      const valid = Object.entries(specs.params).flatMap(([name, one]) =>
        isBranch(one) ? name : [],
      );
      throw unknownName(`part of ${model.name} (init.parts)`, part, valid, "config");
    }
    const target: ModelSpecs = {
      params: params as ModelSpecs["params"],
      variables: (inner(specs.variables) ?? {}) as ModelSpecs["variables"],
      stacked: specs.stacked
        .filter((name) => name.startsWith(`${part}/`))
        .map((name) => name.slice(part.length + 1)),
    };
    const prefix = `${part}/`;
    const fit = { specs: target, model: models[part], imageShape, prefix };
    const found = await fitPart(weights, fit, telling);
    for (const kind of ["params", "variables"] as const) {
      for (const [name, array] of Object.entries(found[kind])) made[kind][prefix + name] = array;
    }
  }
  return made;
}

const isBranch = (tree: Tree<Spec>): boolean => !("shape" in tree && "dtype" in tree);

/** The parts of a model that are models of their own. */
const partsOf = ({
  name,
  ...options
}: ModelCard["model"]): Readonly<Record<string, ModelCard["model"]>> =>
  modelDefinition(name).parts?.(options) ?? {};

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
