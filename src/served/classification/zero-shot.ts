/** @file Zero-shot classification in use: a model of images and texts answers with labels that it was never taught. */

import { OcelliError } from "../../errors.ts";
import {
  type ClassPrompts,
  type PromptTemplates,
  classEmbeddings,
  classPrompts,
  templatesOf,
} from "../../evaluate/index.ts";
import {
  type HostArray,
  constant,
  fromNumbers,
  hostArray,
  reshape,
  toNumbers,
} from "../../graph/index.ts";
import { CLASS_LOSSES } from "../../losses/index.ts";
import { pairLogits } from "../../models/index.ts";
import { type Outputs, type Ranked, type Rows, rank } from "../../tasks/index.ts";
import { disposeTree, readTree } from "../device-trees.ts";
import type { ServedModel, ServedTexts } from "../model.ts";
import { type OpenModelOptions, openModel } from "../open.ts";
import { type Predictor, predictorOf } from "../predict.ts";
import { notesOnTexts, textsOf } from "../texts.ts";

/** How labels become prompts, and what hears of them. */
export interface LabelOptions {
  /** A set of prompts by name, or prompts with one `{}` each for the label. Default: the label alone. */
  readonly templates?: PromptTemplates;
  /** Whether labels and prompts lose punctuation and capitals. Default: true. */
  readonly canonical?: boolean;
  /** Receives a line for each prompt that is cut, or partly unknown to the model's tokenizer. */
  readonly report?: (line: string) => void;
}

/** Options of {@link loadZeroShot}. */
export interface ZeroShotOptions extends OpenModelOptions, LabelOptions {
  /** Images computed together. Default: 1. */
  readonly batchSize?: number;
}

/**
 * Loads a model of images and texts to classify images by labels; a label may have several names, between commas. Its
 * answers are the labels, the surest first, with probabilities: of a model trained with the sigmoid loss each label stands
 * for itself, of one trained with softmax they sum to 1.
 *
 * @throws an argument error where a label is empty or stands there twice, or where the model reads no texts
 * @example
 * const predictor = await loadZeroShot("runs/pairs", ["cat", "dog"], { templates: ["a photo of a {}"] });
 * const [answer] = await predictor.predict([image]); // { kind: "ranked", ranked: [{ name: "cat", score: 0.97 }, …] }
 */
export async function loadZeroShot(
  spec: string,
  labels: readonly string[],
  { batchSize = 1, templates, canonical, ...options }: ZeroShotOptions = {},
): Promise<Predictor> {
  const prompts = labelPrompts(labels, { templates, canonical });
  const model = await openModel(spec, options);
  try {
    const { report } = options;
    const labelled = await withLabels(model, spec, { labels, prompts, report });
    return await predictorOf(labelled, spec, { batchSize });
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/** The prompts of labels; an argument error where a label has no name, or two have the same one. */
function labelPrompts(
  labels: readonly string[],
  { templates, canonical }: Pick<LabelOptions, "templates" | "canonical"> = {},
): ClassPrompts {
  const fail = (message: string, given: unknown): never => {
    throw new OcelliError("argument", message, { given, hint: "Such as cat,dog." });
  };
  if (labels.length === 0) fail("there are no labels.", labels);
  const empty = labels.findIndex((label) => label.replaceAll(",", "").trim() === "");
  if (empty >= 0) fail(`label ${empty + 1} of ${labels.length} is empty.`, labels[empty]);
  const prompts = classPrompts(labels, {
    ...{ templates: templatesOf(templates), aliases: true, canonical },
  });
  const owners = new Map<string, number>();
  prompts.texts.forEach((text, i) => {
    const label = prompts.labels[i];
    const other = owners.get(text);
    if (other === undefined) owners.set(text, label);
    else if (other !== label) {
      fail(`the labels "${labels[other]}" and "${labels[label]}" are the same.`, labels[label]);
    }
  });
  return prompts;
}

/** A model whose answers to images are labels; it owns what the given one does. */
async function withLabels(
  model: ServedModel,
  spec: string,
  {
    labels,
    prompts,
    report,
  }: {
    readonly labels: readonly string[];
    readonly prompts: ClassPrompts;
    readonly report?: (line: string) => void;
  },
): Promise<ServedModel> {
  const texts = textsOf(model, spec);
  for (const note of notesOnTexts(texts, prompts.texts)) report?.(note);
  const loss = lossOf(model, labels, spec);
  const embeddings = await embedLabels(texts, prompts, labels.length);
  const { task } = model;
  const scores = ({ output, out }: Outputs) => {
    const weights = constant(embeddings);
    const t = reshape(out.t, []);
    return pairLogits(task.heads.embed({ output, out }), weights, t, out.b && reshape(out.b, []));
  };
  return {
    ...model,
    task: {
      ...task,
      heads: { ...task.heads, labels: scores },
      main: "labels",
      respond: (logits) => ({ probabilities: CLASS_LOSSES[loss].probabilities(logits) }),
      answer: (row) => ({ kind: "ranked", ranked: rank(toNumbers(row.probabilities), labels) }),
    },
  };
}

/** Label sets whose vectors are remembered. */
const REMEMBERED = 64;

/** Ranks labels for the vector of an image, other labels each time. */
export type LabelRanker = (
  vector: HostArray,
  labels: readonly string[],
  templates?: PromptTemplates,
) => Promise<readonly Ranked[]>;

/**
 * Labels for vectors, [dim], that a model's head `embed` gave; those of the last label sets are remembered.
 *
 * @throws where it is called, an argument error for labels that are empty or the same
 */
export function createLabelRanker(model: ServedModel, spec: string): LabelRanker {
  const texts = textsOf(model, spec);
  const known = new Map<string, Promise<HostArray>>();
  const programs = Object.fromEntries(
    (["sigmoid", "softmax"] as const).map((loss) => {
      const run = model.compile(({ out }, { vectors, labels }) => {
        const logits = pairLogits(vectors, labels, reshape(out.t, []), out.b && reshape(out.b, []));
        return { probabilities: CLASS_LOSSES[loss].probabilities(logits) };
      });
      return [loss, run] as const;
    }),
  );
  return async (vector, labels, templates) => {
    const loss = lossOf(model, labels, spec);
    const key = JSON.stringify([labels, templates]);
    const prompts = labelPrompts(labels, { templates });
    const embeddings = known.get(key) ?? embedLabels(texts, prompts, labels.length);
    embeddings.catch(() => known.delete(key)); // what failed is tried again
    known.delete(key); // the last that was used stands last
    known.set(key, embeddings);
    embeddings.catch(() => known.delete(key)); // the next request tries again
    const [oldest] = known.keys();
    if (known.size > REMEMBERED) known.delete(oldest);
    const arrays = await programs[loss]({
      text: texts.tokenizer.tokenize([""]), // of which nothing is read but the temperature and the bias
      vectors: { ...vector, shape: [1, ...vector.shape] },
      labels: await embeddings,
    });
    const { probabilities } = (await readTree(arrays)) as Rows;
    disposeTree(arrays);
    return rank(toNumbers(probabilities), labels);
  };
}

/** The vectors of labels, float32 [labels, dim]. */
async function embedLabels(
  texts: ServedTexts,
  { texts: lines, labels }: ClassPrompts,
  count: number,
) {
  const features = await texts.embed(lines);
  const { rows, columns, data } = classEmbeddings(
    { features, labels: fromNumbers(labels, [labels.length], "int32") },
    count,
  );
  return hostArray([rows, columns], "float32", Float32Array.from(data));
}

/** By which loss scores become probabilities; cards of earlier versions do not say it, a bias is the sigmoid loss's. */
function lossOf({ card: { task, model } }: ServedModel, labels: readonly string[], spec: string) {
  const hasBias = typeof model.biasInit === "number";
  const loss =
    task.loss === "softmax" || (task.loss === undefined && !hasBias) ? "softmax" : "sigmoid";
  if (loss === "sigmoid" || labels.length > 1) return loss;
  throw new OcelliError(
    "argument",
    `${spec} compares labels with one another: one alone is always right.`,
    {
      ...{ given: labels, hint: "Give at least two, such as cat,other." },
    },
  );
}
