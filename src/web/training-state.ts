/** @file The options of a training in a tab, and the bytes that it resumes from. */

import { type Position, BEGINNING } from "../data/stream/order.ts";
import { OcelliError } from "../errors.ts";
import { parseJson } from "../formats/budget.ts";
import { concatBytes, formatError } from "../formats/bytes.ts";
import { readSafetensors, safetensorsChunks } from "../formats/safetensors.ts";
import type { HostArray } from "../graph/index.ts";

/** What is trained, and how. */
export interface TrainingOptions {
  /** The classes, at least two; a picture's label is a place in this list. */
  readonly classes: readonly string[];
  /** Updates in all; the learning rate falls along a cosine to 0 at the last. */
  readonly steps: number;
  /** Width and height that the model sees, in pixels, a multiple of 8. Default: 32. */
  readonly size?: number;
  /** Pictures of one update. Default: 32. */
  readonly batchSize?: number;
  /** The peak learning rate of AdamW. Default: 1e-3. */
  readonly lr?: number;
  /** Decides weights, order and augmentation. Default: 0. */
  readonly seed?: number;
}

/** Options with every default in its place. */
export type WholeOptions = Required<TrainingOptions>;

/** Where a training stands. */
export interface TrainingState {
  /** All arrays by name. */
  readonly arrays: Readonly<Record<string, HostArray>>;
  /** Updates made. */
  readonly step: number;
  /** The place in the order of pictures. */
  readonly position: Position;
}

const FORMAT = "ocelli-tab-training-1";
const DEFAULTS = { size: 32, batchSize: 32, lr: 1e-3, seed: 0 };
/** The largest width and height, in pixels. */
const LARGEST = 256;
const LAST_SEED = 2 ** 32 - 1;

const isWhole = (value: unknown, least = 0): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least;

/**
 * Options with their defaults.
 *
 * @throws a configuration error that names the option and what is valid
 */
export function wholeOptions(given: TrainingOptions): WholeOptions {
  const options = { ...DEFAULTS, ...given };
  const wrong = (what: string, hint: string): OcelliError =>
    new OcelliError("config", `${what}.`, { hint });
  const { classes, size, lr, seed } = options;
  if (classes.length < 2) {
    throw wrong(
      classes.length === 0 ? "there are no classes" : `${classes[0]} is the only class`,
      "Give two or more.",
    );
  }
  const twice = classes.find((name, i) => classes.indexOf(name) !== i);
  if (twice !== undefined) throw wrong(`the class ${twice} stands twice`, "Name each class once.");
  if (!isWhole(size / 8, 1) || size > LARGEST) {
    throw wrong(`size is ${size}`, `It must be a multiple of 8, up to ${LARGEST}.`);
  }
  for (const key of ["steps", "batchSize"] as const) {
    if (isWhole(options[key], 1)) continue;
    throw wrong(`${key} is ${options[key]}`, "It must be a whole number above 0.");
  }
  if (!(lr > 0 && Number.isFinite(lr))) throw wrong(`lr is ${lr}`, "It must be a number above 0.");
  if (!isWhole(seed) || seed > LAST_SEED) {
    throw wrong(`seed is ${seed}`, `It must be a whole number from 0 to ${LAST_SEED}.`);
  }
  return options;
}

/** A training's state as bytes. */
export function writeState(state: TrainingState, options: WholeOptions): Uint8Array {
  const { arrays, step, position } = state;
  const about = { format: FORMAT, options: JSON.stringify(options), step: String(step) };
  return concatBytes(safetensorsChunks(arrays, { ...about, position: JSON.stringify(position) }));
}

/**
 * What {@link writeState} wrote.
 *
 * @throws a format error where the bytes are damaged; a configuration error where they are of other options
 */
export function readState(bytes: Uint8Array, options: WholeOptions): TrainingState {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata.format !== FORMAT) throw formatError("these bytes are no training's state.");
  const parse = (field: string): Readonly<Record<string, unknown>> => {
    const value = parseJson(metadata[field] ?? "", `the training's ${field}`, { depth: 4 });
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
    throw formatError(`the training's ${field} is no object.`);
  };
  const then = parse("options");
  const other = Object.entries(options).find(
    ([key, value]) => JSON.stringify(then[key]) !== JSON.stringify(value),
  );
  if (other) {
    const [key, value] = other;
    throw new OcelliError(
      "config",
      `the training began with ${key} ${JSON.stringify(then[key])}, not ${JSON.stringify(value)}.`,
      { hint: "Begin a new training, or give the options that this one began with." },
    );
  }
  const step = Number(metadata.step);
  if (!isWhole(step) || step > options.steps) {
    throw formatError(`the training's step is ${metadata.step}, of ${options.steps}.`);
  }
  const { epoch, index } = { ...BEGINNING, ...parse("position") };
  if (!isWhole(epoch) || !isWhole(index)) throw formatError("the training's position is damaged.");
  return { arrays: tensors, step, position: { epoch, index } };
}
