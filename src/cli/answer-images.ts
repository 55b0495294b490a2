/** @file Answers of a model to images, line by line: what `ocelli predict` and `ocelli caption` share. */

import type { GenerationOptions } from "../models/index.ts";
import { type AnswerWriter, openAnswers } from "./answer-files.ts";
import type { Output } from "./command.ts";
import { badImagePolicy } from "./eval.ts";
import { printableName } from "./printable.ts";

/** Images computed at a time. */
export const BATCH = 16;

/** How images are answered. */
export interface AnsweringOptions {
  /** How many names are shown. */
  readonly topK: number;
  /** Default: {@link BATCH}, or as many as there are images. */
  readonly batchSize?: number;
  /** Default: "skip" in folders, else "error". */
  readonly onBadImage?: string;
  /** A file or a folder for the answers. Default: they are shown. */
  readonly out?: string;
  readonly engine?: string;
  /** How texts are written, by a model that must write them. */
  readonly generation?: GenerationOptions;
}

/** Answers for images, folders and addresses; what `--json` prints of them. */
export async function answerImages(
  model: string,
  paths: readonly string[],
  output: Output,
  { topK, batchSize: given, onBadImage: policy, out, engine, generation }: AnsweringOptions,
) {
  const { imagePaths, pathSource } = await import("../data/readers/images.ts");
  const { DataProblems } = await import("../data/problems.ts");
  const { createWorkerPool } = await import("../data/stream/workers.ts");
  const { cpuBudget } = await import("../engines/threads.ts");
  const { loadPredictor } = await import("../served/predict.ts");
  const { answerJson, describeAnswer, limitAnswer } = await import("../tasks/index.ts");
  const { images, folders, notes } = await imagePaths(paths);
  for (const note of notes) output.line(note);
  const batchSize = given ?? Math.min(BATCH, images.length);
  const named = badImagePolicy(policy);
  const onBadImage = named ?? (folders > 0 ? "skip" : "error");
  const predictor = await loadPredictor(model, {
    ...{ engine, batchSize, generation },
    report: (line) => output.line(line),
  });
  const problems = new DataProblems(({ id, reason }) =>
    output.line(printableName(`left out ${id}: ${reason}`)),
  );
  const workers = createWorkerPool(images.length > BATCH ? cpuBudget().decode : 1);
  let writer: AnswerWriter | undefined;
  const predictions: Shown[] = [];
  let count = 0;
  try {
    const options = { workers, onBadImage, problems };
    for await (const { id, answer } of predictor.stream(pathSource(images), options)) {
      count++;
      const shown: Shown = { image: id, ...answerJson(answer, topK) };
      if (out !== undefined) writer ??= await openAnswers(out, answer);
      const file = await writer?.write(id, answer, shown);
      if (writer && !writer.shows) {
        output.status(`${count} of ${images.length} images`);
        continue;
      }
      predictions.push(file === undefined ? shown : { ...shown, file });
      const told = describeAnswer(limitAnswer(answer, topK));
      output.line(printableName(`${id}  ${told}${file === undefined ? "" : `  ${file}`}`));
    }
    if (out !== undefined && count === 0) {
      writer ??= await openAnswers(out, { kind: "text", text: "" }); // a file without lines
    }
    await writer?.commit();
  } finally {
    workers[Symbol.dispose]();
    await writer?.discard();
    await predictor.dispose();
  }
  const note = problems.note(predictor.alpha);
  if (note !== undefined) output.line(note);
  const counts = { count, skipped: problems.count };
  if (out === undefined || writer?.shows) {
    return { ...counts, ...(out !== undefined && { out }), predictions };
  }
  output.line(`${out}: ${count} predictions`);
  return { ...counts, out };
}

/** An answer as JSON beside the image's id. */
type Shown = { readonly image: string } & Readonly<Record<string, unknown>>;
