/** @file A transfer made ready: data and backbone opened, and all that can be checked before anything is computed. */

import { use } from "../../config/use.ts";
import { type DataConfig, withSplitBy } from "../../data/config.ts";
import { openDataset } from "../../data/datasets.ts";
import { ALL } from "../../data/splits/hashed.ts";
import { type Dataset, type Source, namesOf } from "../../data/source.ts";
import { heldOutSplit } from "../../data/splits/split-names.ts";
import { openSplit } from "../../data/splits/splits.ts";
import { OcelliError } from "../../errors.ts";
import { SILENT } from "../../train/watch/progress.ts";
import { imageSize } from "../../served/image-size.ts";
import { notesOnClasses, pickExamples } from "../../served/classification/shots.ts";
import { MODELS } from "../../models/index.ts";
import { LORA_DEFAULTS, checkAdaptable } from "./adapters.ts";
import { type Backbone, openBackbone } from "../backbone.ts";
import { CROSSED, crossedSource } from "./crossed.ts";
import { describeHyperRule, hyperRule } from "./hyperrule.ts";
import type { TransferMethod, TransferOptions, TransferTask } from "./options.ts";
import { validationOf } from "./select.ts";
import { planTuning } from "./tune.ts";
import { cropped, onImages } from "../views.ts";

/** Methods that train the backbone. */
const TUNING: readonly TransferMethod[] = ["full", "lora", "hyperrule"];
/** Methods that fit a linear classifier. */
const LINEAR: readonly TransferMethod[] = ["linear", "full", "lora"];

/** Whether a method trains the backbone. */
export const isTuning = (method: TransferMethod): boolean => TUNING.includes(method);

/** Opens data and backbone; whatever is wrong with them is told before anything is computed. */
export async function openTask(given: DataConfig, options: TransferOptions): Promise<TransferTask> {
  use(options.use ?? []);
  const data = withSplitBy(given, "class");
  const { model = "efficientnet-lite0", method = "linear", shots, seed = 0 } = options;
  const { reporter = SILENT, onBadImage = "skip" } = options;
  const { batchSize = isTuning(method) ? 32 : 16 } = options;
  const lora = method === "lora" ? { ...LORA_DEFAULTS, ...options.lora } : undefined;
  const { architecture } = options;
  const named =
    architecture ?? (MODELS.some(({ name }) => name === model) ? { name: model } : undefined);
  if (lora && named) checkAdaptable(named, lora);
  const dataset = await openDataset(data);
  const report = (line: string): void => reporter.line(line);
  const crossed = await crossedSource(dataset, method, options);
  const { train, split, held, test } = crossed
    ? { train: crossed, split: ALL, held: CROSSED, test: crossed }
    : await openParts(dataset, options);
  const classes = namesOf(train, "label", "a transfer");
  if (!isTuning(method)) {
    for (const note of [...(dataset.notes ?? []), ...notesOnClasses(train, shots)]) report(note);
  }
  if (!crossed && test.length < FEW_JUDGES) {
    report(`test    only ${test.length} images judge: the accuracy is rough`);
  }
  const own = await openBackbone(model, { ...options, report });
  const ruled = method === "hyperrule" ? await followRule(train, own, options) : undefined;
  const hasChooser = LINEAR.includes(method) && !crossed;
  const validation = hasChooser
    ? await validationOf(dataset, { classes, held, shots, seed })
    : undefined;
  const task: TransferTask = {
    ...options,
    ...{ data, dataName: dataset.name, model, method, seed, split, held, onBadImage, batchSize },
    ...{ reporter, classes, dataset, train, validation, test, isCrossed: crossed !== undefined },
    backbone: ruled?.backbone ?? own,
    views: ruled?.views ?? cropped(own),
    rule: ruled?.rule,
    lora,
  };
  if (isTuning(method)) planTuning(task);
  return task;
}

/** Fewer images than this judge roughly: one of them is more than 5 % of the accuracy. */
const FEW_JUDGES = 20;

/** The images to learn from, and those to judge by. */
async function openParts(
  dataset: Dataset,
  { split = "train", test: named, shots, seed = 0, reporter = SILENT }: TransferOptions,
) {
  const open = (name: string): Promise<Source> =>
    openSplit(dataset, name, { note: (line) => reporter.line(line) });
  const source = await open(split);
  const { held, test } = await openHeld(
    dataset,
    { split, classes: namesOf(source, "label", "a transfer"), open },
    named,
  );
  return { train: await pickExamples(source, shots, seed), split, held, test };
}

/** BiT-HyperRule for some images, and the backbone at the rule's size, unless another preprocessing is asked for. */
async function followRule(
  train: Source,
  own: Backbone,
  options: TransferOptions,
): Promise<Pick<TransferTask, "rule"> & Partial<Pick<TransferTask, "backbone" | "views">>> {
  const { reporter = SILENT, budget, model = own.spec } = options;
  const sizes = { examples: train.length, ...(await imageSize(train)) };
  const rule = hyperRule(sizes, budget);
  reporter.line(`rule    ${describeHyperRule(sizes, budget)}`);
  const kept = (why: string) => {
    reporter.line(`rule    its sizes are not followed, ${why}: ${own.preprocessing}`);
    return { rule };
  };
  if (options.preprocessing !== undefined) return kept("as --preprocess says otherwise");
  const preprocessing = onImages(own.preprocessing, `resize(${rule.crop})`);
  if (preprocessing === undefined) return kept("as the model's images are no decoded colours");
  const crops = `resize(${rule.resize})|random_crop(${rule.crop})|flip_lr`;
  const report = (line: string): void => reporter.line(line);
  const asked = { ...options, preprocessing, report };
  const backbone = await openBackbone(model, asked).catch(unfitting);
  if (!backbone) return kept("as the model takes images of one size");
  return { rule, backbone, views: onImages(own.preprocessing, crops) };
}

/** Undefined for a model that takes no images of another size, such as one that mixes tokens by learned weights. */
function unfitting(error: unknown): undefined {
  if (error instanceof OcelliError && error.code === "shape") return undefined;
  throw error;
}

/** The split to judge by, which must have the same classes. */
async function openHeld(
  dataset: Dataset,
  {
    split,
    classes,
    open,
  }: {
    readonly split: string;
    readonly classes: readonly string[];
    readonly open: (split: string) => Promise<Source>;
  },
  named: string | undefined,
) {
  const held = named ?? heldOutSplit(dataset.splits);
  if (held === undefined) {
    throw new OcelliError("config", `${dataset.name} has no split to judge by.`, {
      hint: "Name a part of one, such as --test train[90%:] with --split train[:90%].",
    });
  }
  if (held === split) {
    throw new OcelliError(
      "argument",
      `${split} is the training split, so it cannot be the test split.`,
      {
        hint: "Name another split, or another part of it, as --test.",
      },
    );
  }
  const test = await open(held);
  if (String(test.names.label) === String(classes)) return { held, test };
  throw new OcelliError("data", `${held} does not have the classes that are learned.`);
}
