/** @file How far exported models are from the run that they were made of, on pictures that it is judged by. */

import type { DataConfig } from "../../data/config.ts";
import { openDataset } from "../../data/datasets.ts";
import { selectSource } from "../../data/source.ts";
import { heldOutSplit } from "../../data/splits/split-names.ts";
import { openSplit } from "../../data/splits/splits.ts";
import { evaluationBatches } from "../../data/stream/batches.ts";
import { OcelliError } from "../../errors.ts";
import { type HostArray, toNumbers } from "../../graph/index.ts";
import type { Features } from "../../preprocess/example.ts";
import { type Answer, type Rows, areasOf } from "../../tasks/index.ts";
import { rowOf } from "../answering.ts";
import { disposeTree, readTree } from "../device-trees.ts";
import type { ServedModel } from "../model.ts";
import { openModel } from "../open.ts";
import { dataFor } from "../split-record.ts";
import { outputNamed } from "./interface.ts";

/** How far a file's output is from the run's, over all examples. */
export interface Drift {
  /** The largest difference of a value. */
  readonly largest: number;
  /** The mean difference of a value. */
  readonly mean: number;
  /** The largest magnitude of the run's values, which the differences are to be seen against. */
  readonly magnitude: number;
  /** Pictures whose answer begins with the same name; absent where answers have no names or the output makes no answers. */
  readonly sameAnswers?: number;
}

/** Which pictures files were compared on, and what was found by file. */
export interface DriftReport {
  readonly data: string;
  readonly split: string;
  readonly pictures: number;
  readonly files: Readonly<Record<string, Drift>>;
}

/** Options of {@link measureDrift}. */
export interface DriftOptions {
  /** Default: the run's own data. */
  readonly data?: DataConfig;
  /** The field that the files take. */
  readonly input: string;
  /** The output that the files give; see `OnnxOptions`. */
  readonly output: string;
  /** Pictures, at most. Default: 200. */
  readonly pictures?: number;
}

const BATCH = 16;

/**
 * Compares exported files, by name, with the model of a run on the first examples of the split that it is judged by.
 *
 * @throws an argument error where no data are named and the run does not say which; a data error where they lack the field
 */
export async function measureDrift(
  spec: string,
  files: Readonly<Record<string, string>>,
  { data, input, output, pictures = 200 }: DriftOptions,
): Promise<DriftReport> {
  const known = await dataFor(spec, data);
  const dataset = await openDataset(known.data);
  const split = known.split ?? heldOutSplit(dataset.splits) ?? dataset.splits[0];
  const whole = await openSplit(dataset, split, { slices: known.slices });
  if (!Object.hasOwn(whole.fields, input)) {
    throw new OcelliError("data", `${dataset.name} has no ${input}.`, {
      ...{ given: input, valid: Object.keys(whole.fields) },
    });
  }
  const count = Math.min(pictures, whole.length);
  const source = selectSource(
    whole,
    Uint32Array.from({ length: count }, (_, i) => i),
  );
  const models: ServedModel[] = [];
  try {
    for (const path of [spec, ...Object.values(files)]) models.push(await openModel(path));
    const [, ...exported] = models;
    const sums = exported.map(() => new Difference());
    const { task } = models[0];
    const isAnswered = !Object.hasOwn(task.heads, output) || output === task.main;
    const looks = models.map((model) => lookAt(model, { output, isAnswered }));
    const { preprocessing } = models[0];
    const batching = { batchSize: Math.min(BATCH, count), preprocessing, seed: 0 };
    let seen = 0;
    for await (const { features, indices } of evaluationBatches(source, {
      ...batching,
      onBadImage: "skip",
    })) {
      const [own, ...theirs] = await mapInTurn(looks, (look) => look({ [input]: features[input] }));
      for (const [row, index] of indices.entries()) {
        if (index < 0) continue;
        seen++;
        theirs.forEach((rows, i) => sums[i].add(own(row), rows(row)));
      }
    }
    const names = Object.keys(files);
    return {
      data: dataset.name,
      split,
      pictures: seen,
      files: Object.fromEntries(names.map((name, i) => [name, sums[i].drift()])),
    };
  } finally {
    for (const model of models) await model.dispose();
  }
}

/** What a model gives for one picture: the values of its output, and its answer where there is one. */
interface Look {
  readonly values: HostArray;
  readonly answer?: Answer;
}

/** Looks at batches of a prepared field: the output's values, and answers where they are made of it. */
function lookAt(
  model: ServedModel,
  { output, isAnswered }: { readonly output: string; readonly isAnswered: boolean },
) {
  const { task } = model;
  const run = model.compile((outputs) => {
    const values = outputNamed(task, output)(outputs);
    return {
      values,
      ...(isAnswered && { answers: task.respond(task.heads[task.main](outputs)) }),
    };
  });
  return async (fields: Features): Promise<(row: number) => Look> => {
    const tree = await run(fields);
    const { values, answers } = (await readTree(tree)) as unknown as {
      readonly values: HostArray;
      readonly answers?: Rows;
    };
    disposeTree(tree);
    return (row) => ({
      values: rowOf({ values }, row).values,
      ...(answers && { answer: task.answer(rowOf(answers, row), model.tokenizer) }),
    });
  };
}

/** Sums of differences. */
class Difference {
  #largest = 0;
  #sum = 0;
  #values = 0;
  #magnitude = 0;
  #same: number | undefined;

  add(own: Look, theirs: Look): void {
    const given = toNumbers(theirs.values);
    toNumbers(own.values).forEach((value, i) => {
      const apart = Math.abs(value - given[i]);
      this.#largest = Math.max(this.#largest, apart);
      this.#magnitude = Math.max(this.#magnitude, Math.abs(value));
      this.#sum += apart;
      this.#values++;
    });
    const [first, second] = [own.answer, theirs.answer].map(
      (answer) => answer && firstName(answer),
    );
    if (first !== undefined) this.#same = (this.#same ?? 0) + (first === second ? 1 : 0);
  }

  drift(): Drift {
    return {
      largest: this.#largest,
      mean: this.#values === 0 ? 0 : this.#sum / this.#values,
      magnitude: this.#magnitude,
      ...(this.#same !== undefined && { sameAnswers: this.#same }),
    };
  }
}

/** The name that an answer begins with: the surest, of a map the one that covers most; undefined where it has none. */
function firstName(answer: Answer): string | undefined {
  if (answer.kind === "ranked") return answer.ranked[0]?.name;
  if (answer.kind === "map") return areasOf(answer)[0]?.name;
  return answer.kind === "text" ? answer.text : undefined;
}

/** Results of one function after the other: each has the machine to itself. */
async function mapInTurn<T, U>(items: readonly T[], of: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await of(item));
  return results;
}
