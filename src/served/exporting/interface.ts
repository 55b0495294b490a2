/** @file How an exported model is called: the order of its input's axes, and what its output is. */

import { OcelliError, unknownName } from "../../errors.ts";
import { formatError } from "../../formats/bytes.ts";
import type { Tensor } from "../../graph/index.ts";
import type { ModelCard } from "../../models/index.ts";
import { type Outputs, type Task, taskOf } from "../../tasks/index.ts";

/** The order of an image's axes: batch, height, width, channels by their first letters. */
const LAYOUTS = ["NHWC", "NCHW"] as const;

/** One of {@link LAYOUTS}. */
export type Layout = (typeof LAYOUTS)[number];

/** How an exported model is called. */
export interface ModelInterface {
  /** Default: "NHWC". */
  readonly layout: Layout;
  /** The name of its output: a head of the task, such as `embed`, or the array of its answers, such as `probabilities`. */
  readonly output: string;
}

/** The same as texts, for a file's metadata. */
export const interfaceTexts = ({ layout, output }: ModelInterface): Record<string, string> => ({
  layout,
  output,
});

/**
 * What a file's metadata say; files from before give the main head for NHWC.
 *
 * @param what names the file in errors
 */
export function readInterface(
  { layout = "NHWC", output }: Readonly<Record<string, string>>,
  card: ModelCard,
  what: string,
): ModelInterface {
  const known = LAYOUTS.find((one) => one === layout);
  if (!known) {
    throw formatError(
      `${what} has the layout ${layout.slice(0, 40)}, not ${LAYOUTS.join(" or ")}.`,
    );
  }
  return { layout: known, output: output ?? taskOf(card).main };
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
