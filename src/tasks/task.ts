/** @file What a task is: what a picture becomes, from the fields of the data to an answer that a person reads. */

import type { z } from "zod";
import type { HostArray, Spec, Tensor } from "../graph/index.ts";
import type {
  FieldArrays,
  FieldModel,
  GenerationOptions,
  Head,
  ImageModel,
  ModelCard,
  TaskChoice,
} from "../models/index.ts";
import type { Scope } from "../nn/index.ts";
import type { Batch } from "../objectives/index.ts";
import type { FieldKind, Fields } from "../preprocess/example.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Answer } from "./answer.ts";

/** Arrays of a batch by name, read back to the host. */
export type Rows = Readonly<Record<string, HostArray>>;

/** What a recorder shows of examples. */
export interface Show {
  /** An example's id, and a small picture of it as a data URL. */
  readonly example: (index: number) => Promise<{ readonly id: string; readonly thumbnail: string }>;
  /** An image, uint8 [height, width, channels], as a data URL. */
  readonly image: (image: HostArray) => Promise<string>;
}

/** Keeps, of one evaluation, what a report and the dashboard show. */
export interface Recorder {
  /** The file of the run folder: classifiers' predictions, or answers of any kind. */
  readonly file: "predictions" | "answers";
  /** What it takes of a batch, traced: arrays [batch, …]; `value` is the main head's. */
  readonly look: (value: Tensor, batch: Batch) => Readonly<Record<string, Tensor>>;
  /** Takes in a batch; `indices` say which example each row is, -1 for none. */
  see(indices: Int32Array, rows: Rows): void;
  /** What the file holds, as JSON; undefined where there is nothing to show. */
  summary(show: Show): Promise<object | undefined>;
}

/** A model that takes further fields than an image. */
export interface WholeModel {
  /** It on all the fields of a batch; on some alone it gives what these suffice for. */
  readonly model: FieldModel;
  /** One example of each field that it takes beside `image`. */
  readonly inputs: Readonly<Record<string, Spec>>;
}

/** A task for one model. */
export interface Task {
  /** The model that is trained and served, on an image alone. */
  readonly model: ImageModel;
  /** The model that is trained and served, where it takes further fields. Default: `model`. */
  readonly whole?: WholeModel;
  /** Writes texts about the fields of a batch, int32 [batch, length], with the model's arrays; absent where it writes none. */
  readonly write?: (scope: Scope, fields: FieldArrays, options?: GenerationOptions) => Tensor;
  /** What a trained model can be asked for, by name. */
  readonly heads: Readonly<Record<string, Head>>;
  /** The head that answers are made of, and whose values an exported model gives. */
  readonly main: string;
  /**
   * The heads that read one field alone, by that field, of a model that takes several: each can be exported as a model of
   * its own. Default: none.
   */
  readonly towers?: Readonly<Record<string, string>>;
  /** The arrays of answers, [batch, …], traced from the main head's value. */
  readonly respond: (value: Tensor) => Readonly<Record<string, Tensor>>;
  /** The answer in one row of what {@link Task.respond} gave; `tokenizer` is that of the card, where it has one. */
  readonly answer: (row: Rows, tokenizer?: Pick<Tokenizer, "decode">) => Answer;
  /** Keeps what a report shows of an evaluation; nothing where absent. */
  readonly record?: () => Recorder;
}

/** What a card is made of. */
export interface TaskData {
  readonly fields: Fields;
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** The objective's name and options. */
  readonly objective: TaskChoice;
  /** The opened tokenizer of a task that has one. */
  readonly tokenizer?: Tokenizer;
  /** What the data is called, for errors. */
  readonly dataName: string;
}

/** The value that a training is judged by. */
export interface Headline {
  /** A value of an evaluation, such as `accuracy`. */
  readonly metric: string;
  readonly better: "higher" | "lower";
}

/** A task's definition. */
export interface TaskDefinition<
  Name extends string = string,
  Schema extends z.ZodObject = z.ZodObject,
> {
  readonly kind: "task";
  /** Its `name` in a configuration. */
  readonly name: Name;
  /** Its options, beside `name`; what reads texts has the option `tokenizer`, see {@link tokenizerKey}. */
  readonly schema: Schema;
  /** The fields that a training example must have, with the kinds that each may be of. */
  readonly needs: Readonly<Record<string, readonly FieldKind[]>>;
  readonly headline: Headline;
  /**
   * The evaluators that suit data of these fields and need nothing beside a split: of a training that names none, the
   * first; of `ocelli eval`, all.
   */
  readonly evaluators: (fields: Fields, task: TaskChoice) => readonly string[];
  /** What the card keeps: the task with the options that decide answers, and names; a data error where data do not suit. */
  readonly describe: (
    options: z.output<Schema>,
    data: TaskData,
  ) => Pick<ModelCard, "names"> & { readonly task: Readonly<Record<string, unknown>> };
  /** The task for the model of a card. */
  readonly create: (card: Pick<ModelCard, "model" | "task" | "names">) => Task;
}

/** Defines a task. */
export const defineTask = <Name extends string, Schema extends z.ZodObject>(
  definition: Omit<TaskDefinition<Name, Schema>, "kind">,
): TaskDefinition<Name, Schema> => ({ kind: "task", ...definition });
