/** @file What a trained model is, beside its arrays: written into files as texts, and checked before anything is built. */

import { OcelliError } from "../errors.ts";
import { LIMITS, checkName, parseJson } from "../formats/budget.ts";
import { formatError } from "../formats/bytes.ts";
import { type Shape, sizeOf } from "../graph/dtype.ts";
import { type Preprocessing, namedBlack, parsePreprocessing } from "../preprocess/pipeline.ts";
import { seededRandom } from "../preprocess/random.ts";

/** What a trained model is, beside its arrays: enough to build it again and to use it. */
export interface ModelCard {
  /** The model's name and options, as in a configuration. */
  readonly model: Readonly<Record<string, unknown>> & { readonly name: string };
  /** One name per output class. */
  readonly classes: readonly string[];
  /** The evaluation preprocessing. A file that does not name the background of transparent images has a black one. */
  readonly preprocessing: string;
  /** The loss it was trained by, which says how logits become probabilities. */
  readonly loss: "softmax" | "sigmoid";
  /** Shape of one preprocessed image: [height, width, channels]. */
  readonly imageShape: Shape;
  /** Steps trained. */
  readonly step: number;
}

/** Options of a model, and lists in them. */
const MODEL_LIMITS = { depth: 4, items: 1000 };

/** A card as texts, for a file's metadata: lists and records as JSON. */
export const cardTexts = (card: ModelCard): Record<string, string> => ({
  model: JSON.stringify(card.model),
  classes: JSON.stringify(card.classes),
  preprocessing: parsePreprocessing(card.preprocessing).text,
  loss: card.loss,
  imageShape: JSON.stringify(card.imageShape),
  step: String(card.step),
});

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
  const { model, classes, preprocessing, loss, imageShape, step } = metadata;
  if ([model, classes, preprocessing, loss, imageShape].includes(undefined as never)) {
    return undefined;
  }
  const wrong = (field: string, problem: string): OcelliError =>
    formatError(`${what}: its model card is damaged: ${field} ${problem}.`);
  const options = parseJson(model, `${what}, the model of its card`, MODEL_LIMITS);
  if (!isModel(options)) throw wrong("model", "is no model's name and options");
  const names = parseJson(classes, `${what}, the classes of its card`, { depth: 1 });
  if (!isNames(names)) throw wrong("classes", "is no list of names");
  names.forEach((name) => checkName(name, `${what}, the classes of its card`));
  if (loss !== "softmax" && loss !== "sigmoid") {
    throw wrong("loss", `is "${loss.slice(0, 40)}", not softmax or sigmoid`);
  }
  const shape = parseJson(imageShape, `${what}, the image shape of its card`, { depth: 1 });
  if (!isImageShape(shape)) throw wrong("imageShape", "is no [height, width, channels]");
  const steps = Number(step);
  if (!Number.isSafeInteger(steps) || steps < 0) throw wrong("step", "is no whole number");
  const named = namedBlack(preprocessing);
  checkPreprocessing(named, shape, wrong);
  return {
    model: options,
    classes: names,
    preprocessing: named,
    loss,
    imageShape: shape,
    step: steps,
  };
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

const isModel = (value: unknown): value is ModelCard["model"] =>
  typeof value === "object" &&
  value !== null &&
  !Object.hasOwn(value, "__proto__") &&
  typeof (value as { name?: unknown }).name === "string";

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === "string");

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
