/** @file What a trained model is, beside its arrays: written into files as texts, and checked before anything is built. */

import { OcelliError } from "../errors.ts";
import { LIMITS, checkName, parseJson } from "../formats/budget.ts";
import { formatError } from "../formats/bytes.ts";
import { type Shape, sizeOf } from "../graph/dtype.ts";
import type { ModelCard } from "../models/card.ts";
import { type Preprocessing, namedBlack, parsePreprocessing } from "../preprocess/pipeline.ts";
import { seededRandom } from "../random.ts";

/** Options of a model, and lists in them. */
const MODEL_LIMITS = { depth: 4, items: 1000 };

/** The version of cards that are written. Version 1, without a task, is of classifiers. */
const VERSION = "2";

/** A card as texts, for a file's metadata: lists and records as JSON. */
export const cardTexts = (card: ModelCard): Record<string, string> => ({
  version: VERSION,
  model: JSON.stringify(card.model),
  task: JSON.stringify(card.task),
  names: JSON.stringify(card.names),
  preprocessing: parsePreprocessing(card.preprocessing).text,
  imageShape: JSON.stringify(card.imageShape),
  step: String(card.step),
});

/** A card as JSON, for a file of its own: {@link cardFromJson} reads it. */
export const cardJson = (card: ModelCard): Readonly<Record<string, unknown>> => ({
  version: VERSION,
  ...card,
});

/**
 * The card in an object of JSON, every field checked; undefined where it is none.
 *
 * @param what names the file in errors
 */
export function cardFromJson(
  value: Readonly<Record<string, unknown>>,
  what: string,
): ModelCard | undefined {
  const texts = Object.entries(value).map(([field, content]) => {
    return [field, typeof content === "string" ? content : JSON.stringify(content)] as const;
  });
  return cardFromTexts(Object.fromEntries(texts), what);
}

/**
 * The card in a file's metadata, every field checked; undefined where the metadata are no card.
 *
 * @param what names the file in errors
 * @throws a format error that names the field that is wrong
 */
export function cardFromTexts(
  metadata: Readonly<Record<string, string>>,
  what: string,
): ModelCard | undefined {
  const { version = "1", model, preprocessing, imageShape, step } = metadata;
  if ([model, preprocessing, imageShape].includes(undefined as never)) return undefined;
  const wrong = (field: string, problem: string): OcelliError =>
    formatError(`${what}: its model card is damaged: ${field} ${problem}.`);
  const parse = (field: string, text: string, limits: ParseLimits): unknown =>
    parseJson(text, `${what}, the ${field} of its card`, limits);
  const aim =
    version === "1" ? classifierOf(metadata, parse, wrong) : taskIn(metadata, parse, wrong);
  if (!aim) return undefined;
  if (version !== "1" && version !== VERSION) {
    throw wrong("version", `is ${version.slice(0, 40)}; this Ocelli reads 1 and ${VERSION}`);
  }
  const options = parse("model", model, MODEL_LIMITS);
  if (!isChoice(options)) throw wrong("model", "is no model's name and options");
  for (const [field, names] of Object.entries(aim.names)) {
    names.forEach((name) => checkName(name, `${what}, the names of ${field} in its card`));
  }
  const shape = parse("imageShape", imageShape, { depth: 1 });
  if (!isImageShape(shape)) throw wrong("imageShape", "is no [height, width, channels]");
  const steps = Number(step);
  if (!Number.isSafeInteger(steps) || steps < 0) throw wrong("step", "is no whole number");
  const named = namedBlack(preprocessing);
  checkPreprocessing(named, shape, wrong);
  return { model: options, ...aim, preprocessing: named, imageShape: shape, step: steps };
}

type ParseLimits = Parameters<typeof parseJson>[2];
type Parse = (field: string, text: string, limits: ParseLimits) => unknown;
type Wrong = (field: string, problem: string) => OcelliError;
type Aim = Pick<ModelCard, "task" | "names">;

/** What a card of version 1 says: a classifier's classes and its loss. */
function classifierOf(
  { classes, loss }: Readonly<Record<string, string>>,
  parse: Parse,
  wrong: Wrong,
): Aim | undefined {
  if (classes === undefined || loss === undefined) return undefined;
  const names = parse("classes", classes, { depth: 1 });
  if (!isNames(names)) throw wrong("classes", "is no list of names");
  if (loss !== "softmax" && loss !== "sigmoid") {
    throw wrong("loss", `is "${loss.slice(0, 40)}", not softmax or sigmoid`);
  }
  return { task: { name: "classification", loss }, names: { label: names } };
}

/** What a card says of its task. */
function taskIn(
  { task, names }: Readonly<Record<string, string>>,
  parse: Parse,
  wrong: Wrong,
): Aim | undefined {
  if (task === undefined || names === undefined) return undefined;
  const choice = parse("task", task, MODEL_LIMITS);
  if (!isChoice(choice)) throw wrong("task", "is no task's name and options");
  const lists = parse("names", names, { depth: 2 });
  if (!isLists(lists)) throw wrong("names", "is no lists of names");
  return { task: choice, names: lists };
}

/** An error where a model would have more layers than its file has arrays. */
export function checkLayers({ model }: ModelCard, arrays: number, what: string): void {
  if (model.scan === true) return; // the layers' arrays lie in one another
  for (const field of ["depth", "depths", "numBlocks"]) {
    const given = model[field];
    const layers = [given].flat().reduce<number>((sum, one) => sum + Number(one), 0);
    if (given !== undefined && layers > arrays) {
      throw formatError(
        `${what}: its model card says ${field} ${JSON.stringify(given)}, but it has ${arrays} arrays.`,
      );
    }
  }
}

const isChoice = (value: unknown): value is ModelCard["model"] =>
  typeof value === "object" &&
  value !== null &&
  !Object.hasOwn(value, "__proto__") &&
  typeof (value as { name?: unknown }).name === "string";

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === "string");

const isLists = (value: unknown): value is ModelCard["names"] =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  !Object.hasOwn(value, "__proto__") &&
  Object.values(value).every(isNames);

const isImageShape = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.length === 3 &&
  value.every((extent) => Number.isSafeInteger(extent) && Number(extent) > 0) &&
  sizeOf(value as number[]) <= LIMITS.madePixels;

/** Parses the preprocessing, and tries it on an image of the model's own size: it must make one of this size again. */
function checkPreprocessing(
  text: string,
  shape: Shape,
  wrong: (field: string, problem: string) => OcelliError,
): void {
  let parsed: Preprocessing;
  try {
    parsed = parsePreprocessing(text);
  } catch (error) {
    if (!(error instanceof OcelliError)) throw error;
    throw wrong("preprocessing", `is refused: ${error.message.replace(/\.$/, "")}`);
  }
  const made = shapeMade(parsed, shape);
  if (made && String(made) !== String(shape)) {
    throw wrong("preprocessing", `makes images of [${made}] for a model of [${shape}]`);
  }
}

/** The shape that a preprocessing gives an image of a shape; undefined where it needs more than an image. */
function shapeMade(preprocessing: Preprocessing, shape: Shape): Shape | undefined {
  const image = { shape, dtype: "uint8" as const, data: new Uint8Array(sizeOf(shape)) };
  try {
    return preprocessing.onHost({ image }, seededRandom("card")).image?.shape;
  } catch (error) {
    if (error instanceof OcelliError) return undefined;
    throw error;
  }
}
