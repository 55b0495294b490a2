/** @file What a model answers for the images of a command line: lines, JSON, or files of answers. */

import type { Predictor } from "../served/predict.ts";
import { type AnswerWriter, openAnswers } from "./answer-files.ts";
import { type Call, type Flag, type Output, QUIET_FLAG } from "./command.ts";
import { badImagePolicy } from "./eval.ts";
import { PredictTally, summaryLines } from "./predict-summary.ts";
import { printableName } from "./printable.ts";

/** Images computed at a time. */
const BATCH = 16;

/** Flags of commands that answer images. */
export const ANSWER_FLAGS = {
  "top-k": { type: "integer", help: "number of names to show (default: 3)" },
  out: {
    type: "text",
    value: "FILE|DIR",
    help: "write one JSON object per line to FILE; for a model that draws maps, a coloured PNG of each into DIR",
  },
  "batch-size": { type: "integer", help: "batch size (default: 16)" },
  "on-bad-image": {
    type: "text",
    value: "error|skip",
    help: "what to do with unreadable images (default: skip in folders, else error)",
  },
  engine: { type: "text", value: "E", help: "engine: auto, ort, xla-cpu, … (default: auto)" },
  quiet: QUIET_FLAG,
} as const satisfies Readonly<Record<string, Flag>>;

/** Answers the images that paths name; `open` opens the model for batches of a size. */
export async function answerImages(
  paths: readonly string[],
  { texts, integers }: Pick<Call, "texts" | "integers">,
  output: Output,
  open: (batchSize: number) => Promise<Predictor>,
) {
  const { imagePaths, pathSource } = await import("../data/readers/images.ts");
  const { DataProblems } = await import("../data/problems.ts");
  const { createWorkerPool } = await import("../data/stream/workers.ts");
  const { cpuBudget } = await import("../engines/threads.ts");
  const { answerJson, describeAnswer, limitAnswer } = await import("../tasks/index.ts");
  const { images, folders, notes } = await imagePaths(paths);
  for (const note of notes) output.line(note);
  const topK = integers.get("top-k") ?? 3;
  const batchSize = integers.get("batch-size") ?? Math.min(BATCH, images.length);
  const named = badImagePolicy(texts.get("on-bad-image"));
  const onBadImage = named ?? (folders > 0 ? "skip" : "error");
  const predictor = await open(batchSize);
  const problems = new DataProblems(({ id, reason }) =>
    output.line(printableName(`left out ${id}: ${reason}`)),
  );
  const workers = createWorkerPool(images.length > BATCH ? cpuBudget().decode : 1);
  const out = texts.get("out");
  let writer: AnswerWriter | undefined;
  const predictions: Shown[] = [];
  const tally = new PredictTally();
  let count = 0;
  try {
    const options = { workers, onBadImage, problems };
    for await (const { id, answer } of predictor.stream(pathSource(images), options)) {
      count++;
      tally.add(answer);
      const shown: Shown = { image: id, ...answerJson(answer, topK) };
      if (out !== undefined) writer ??= await openAnswers(out, answer);
      const file = await writer?.write(id, answer, shown);
      if (writer && !writer.shows) {
        output.status(`${count} of ${images.length} images`);
        continue;
      }
      predictions.push(file === undefined ? shown : { ...shown, file });
      const told = describeAnswer(limitAnswer(answer, topK));
      output.result(printableName(`${id}  ${told}${file === undefined ? "" : `  ${file}`}`));
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
  const summary = folders > 0 ? tally.summary : undefined;
  const counts = { count, skipped: problems.count, ...(summary && { summary }) };
  if (folders > 0) for (const line of summaryLines(summary, counts)) output.result(line);
  if (out === undefined || writer?.shows) {
    return { ...counts, ...(out !== undefined && { out }), predictions };
  }
  output.result(`${out}: ${count} predictions`);
  return { ...counts, out };
}

/** An answer as JSON beside the image's id. */
type Shown = { readonly image: string } & Readonly<Record<string, unknown>>;
