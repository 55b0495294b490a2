/** @file How an exported model is called: the order of its input's axes, and what its output is. */

import { OcelliError, unknownName } from "../../errors.ts";
import { formatError } from "../../formats/bytes.ts";
import type { Spec, Tensor } from "../../graph/index.ts";
import type { ModelCard } from "../../models/index.ts";
import { type Outputs, type Task, type TaskModel, inputSpecs, taskOf } from "../../tasks/index.ts";

/** The order of an image's axes: batch, height, width, channels by their first letters. */
const LAYOUTS = ["NHWC", "NCHW"] as const;

/** One of {@link LAYOUTS}. */
export type Layout = (typeof LAYOUTS)[number];

/** The field that a model of pictures takes. */
export const IMAGE = "image";

/** How an exported model is called. */
export interface ModelInterface {
  /** The field that it takes: of a tower that field alone. Default: "image". */
  readonly input: string;
  /** Of `image`. Default: "NHWC". */
  readonly layout: Layout;
  /** The name of its output: a head of the task, such as `embed`, or the array of its answers, such as `probabilities`. */
  readonly output: string;
}

/** The same as texts, for a file's metadata. */
export const interfaceTexts = (calls: ModelInterface): Record<string, string> => {
  const { input, layout, output } = calls;
  return { layout, output, ...(input !== IMAGE && { input }) };
};

/** What of a model is exported. */
export interface Exported extends Pick<ModelInterface, "layout" | "output"> {
  /** Of a model of two towers, which: the field that it takes. */
  readonly tower: string;
}

/**
 * How an exported model of a task is called.
 *
 * @throws an argument error where the model takes several fields, and no tower of it is named; where there is no such tower
 */
export function interfaceOf(
  task: Task,
  { layout = "NHWC", output, tower }: Partial<Exported>,
): ModelInterface {
  if (!task.whole) {
    if (tower === undefined) return { input: IMAGE, layout, output: output ?? task.main };
    throw new OcelliError("argument", "the model has no towers: it takes images alone.", {
      hint: "Leave the tower out.",
    });
  }
  const towers = task.towers ?? {};
  const names = Object.keys(towers);
  const fields = [IMAGE, ...Object.keys(task.whole.inputs)].join(" and ");
  if (names.length === 0) {
    throw new OcelliError(
      "argument",
      `a model of ${fields} cannot be exported to ONNX; safetensors and npz hold its arrays.`,
    );
  }
  if (tower === undefined) {
    throw new OcelliError("argument", `a model of ${fields} is a file for each.`, {
      ...{ valid: names, hint: `Say which tower: ${names.join(" or ")}.` },
    });
  }
  if (!Object.hasOwn(towers, tower)) throw unknownName("tower", tower, names, "argument");
  const head = towers[tower];
  if (output !== undefined && output !== head) {
    throw unknownName(`output of the ${tower} tower`, output, [head], "argument");
  }
  return { input: tower, layout: tower === IMAGE ? layout : "NHWC", output: head };
}

/** What is exported of a task: the whole as `model`, or each tower by its name. */
export function exportedParts(
  task: Task,
  { tower, ...how }: Partial<Exported>,
): Readonly<Record<string, ModelInterface>> {
  const towers = tower === undefined ? Object.keys(task.towers ?? {}) : [tower];
  if (towers.length === 0) return { model: interfaceOf(task, how) };
  const entries = towers.map((one) => [one, interfaceOf(task, { ...how, tower: one })] as const);
  return Object.fromEntries(entries);
}

/**
 * What a file's metadata say; files from before give the main head for NHWC.
 *
 * @param what names the file in errors
 */
export function readInterface(
  { input = IMAGE, layout = "NHWC", output }: Readonly<Record<string, string>>,
  card: ModelCard,
  what: string,
): ModelInterface {
  const known = LAYOUTS.find((one) => one === layout);
  if (!known) {
    throw formatError(
      `${what} has the layout ${layout.slice(0, 40)}, not ${LAYOUTS.join(" or ")}.`,
    );
  }
  const task = taskOf(card);
  const isKnown = input === IMAGE || Object.hasOwn(task.whole?.inputs ?? {}, input);
  if (!isKnown)
    throw formatError(`${what} takes "${input.slice(0, 40)}", which its task does not.`);
  return { input, layout: known, output: output ?? task.main };
}

/** The output's name in the graph, where no two values have one name. */
export const outputName = ({ input, output }: ModelInterface): string =>
  output === input ? `${output}_vectors` : output;

/** One example of what an exported model takes, and its type. */
export function inputOf(
  task: TaskModel,
  card: Pick<ModelCard, "imageShape">,
  { input, layout }: Pick<ModelInterface, "input" | "layout">,
): Spec {
  const { shape, dtype } = inputSpecs(task, card)[input];
  const [, ...one] = shape;
  return { shape: layout === "NCHW" ? [one[2], one[0], one[1]] : one, dtype };
}

/**
 * What an exported model computes for an output's name: the value of a head, or the array of the task's answers.
 *
 * @throws an argument error where the task has none of this name; traced, since answers are
 */
export function outputNamed(task: Task, name: string): (outputs: Outputs) => Tensor {
  return (outputs) => {
    if (Object.hasOwn(task.heads, name)) return task.heads[name](outputs);
    const answers = task.respond(task.heads[task.main](outputs));
    const names = Object.keys(answers);
    if (names.length === 1 && names[0] === name) return answers[name];
    const valid = [...new Set([...Object.keys(task.heads), ...(names.length === 1 ? names : [])])];
    throw unknownName("output", name, valid, "argument");
  };
}

/** The task of a file that gives one output alone, `outputs.output`. */
export function taskOfFile(card: ModelCard, name: string, what: string): Task {
  const whole = taskOf(card);
  const heads: Task["heads"] = { [name]: ({ output }) => output };
  if (name === whole.main) return { ...whole, heads };
  if (!Object.hasOwn(whole.heads, name)) {
    return { ...whole, heads, main: name, respond: (value) => ({ [name]: value }) };
  }
  const respond = (): never => {
    throw new OcelliError("argument", `${what} gives ${name}, of which no answers are made.`, {
      hint: `Export the model again with --output ${whole.main}.`,
    });
  };
  return { ...whole, heads, main: name, respond };
}
