/** @file What a training does for its classes: weighs or draws them evenly, and says where their images are few. */

import type { Config } from "../../config/config.ts";
import { balancedWeights } from "../../data/classification/balanced.ts";
import { type Source, namesOf } from "../../data/source.ts";
import { OcelliError } from "../../errors.ts";
import { OBJECTIVES, type ObjectiveDefinition } from "../../objectives/index.ts";
import { shellWord } from "../../runs/run.ts";
import { classesOf } from "../../served/classification/shots.ts";

/** How `balance` is kept: by the label of every example, to draw each equally often, or by the weight of each class. */
export async function planBalance(
  { balance }: Config,
  source: Source,
): Promise<{ readonly labels?: readonly number[]; readonly classWeights?: readonly number[] }> {
  if (balance === undefined) return {};
  const labels = await classesOf(source);
  if (balance === "sampling") return { labels };
  return { classWeights: balancedWeights(labels, namesOf(source, "label", 'balance "loss"')) };
}

/** A configuration error where an objective is to weigh classes and does not. */
export function checkWeighs({ name, weighsClasses }: ObjectiveDefinition): void {
  if (weighsClasses) return;
  const able = OBJECTIVES.filter((one) => one.weighsClasses).map((one) => one.name);
  throw new OcelliError(
    "config",
    `the objective ${name} does not weigh classes: balance "loss" is for ${able.join(", ")}.`,
    { given: name, valid: able, hint: 'Take balance "sampling".' },
  );
}

/** A configuration error where a model is said to have another number of classes than the data. */
export function checkNumClasses(
  given: number | undefined,
  names: Source["names"],
  dataName: string,
): void {
  const [count] = Object.values(names).map(({ length }) => length);
  if (given === undefined || given === count) return;
  throw new OcelliError(
    "config",
    `model.numClasses is ${given}, but ${dataName} has ${count ?? 0} classes.`,
    { hint: "Leave it out." },
  );
}

/** With fewer images of a class on average, a model that begins with nothing learns little of them. */
const FEW_OF_CLASS = 100;

/** A line that says how few images would do better; undefined where they are many, or the model begins with weights. */
export function adviseTransfer({ data, init, split }: Config, source: Source): string | undefined {
  const { length } = source;
  const classes = source.names.label ?? [];
  if (init !== undefined || length >= FEW_OF_CLASS * classes.length) return undefined;
  const path = data.name === "folder" ? data.dir : "files" in data ? data.files : undefined;
  if (typeof path !== "string") return undefined;
  const of = split === "train" ? "" : ` --split '${split}'`;
  const count = `${length} images of ${classes.length} classes are few for a model that begins with nothing`;
  return `${count}; a trained one would do better: ocelli transfer --data ${shellWord(path)}${of}`;
}
