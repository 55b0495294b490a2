/** @file `ocelli probe`: compares how well the frozen features of several models tell your labels apart. */

import type { ProbedModel } from "../transfer/classification/compare.ts";
import { type Command, USE_FLAG } from "./command.ts";
import { badImagePolicy } from "./eval.ts";
import { percent } from "./class-tables.ts";
import { stoppable } from "./stoppable.ts";
import { BACKBONE_FLAGS, architectureOf, seedOf } from "./transfer.ts";

const COLUMNS = ["knn20", "knn1", "linear", "ridge", "clusters", "nmi", "features"] as const;
const WIDTH = 10;

const row = (cells: readonly string[], name: string): string =>
  cells.map((cell) => cell.padStart(WIDTH)).join("") + `  ${name}`;

/** A model's row. */
function rowOf(probed: ProbedModel): string {
  const { knn20, knn1, linear, ridge, clusterAccuracy, nmi, features, model } = probed;
  const shares = [knn20, knn1, linear, ridge, clusterAccuracy].map((value) =>
    value === undefined ? "–" : percent(value),
  );
  return row([...shares, nmi.toFixed(3), String(features)], model);
}

export const probe: Command = {
  name: "probe",
  summary: "Compare models by their frozen features on labelled images",
  operands: "MODEL|RUN…",
  arity: [1, Infinity],
  flags: {
    data: {
      type: "text",
      value: "PATH",
      help: "labelled data: a folder with a folder per class, .tar, .parquet, … (required)",
    },
    shots: { type: "integer", value: "N", help: "training images per class (default: all)" },
    seed: { type: "text", value: "N", help: "seed that picks the images (default: 0)" },
    split: { type: "text", value: "S", help: "training split, or a slice of one (default: train)" },
    test: { type: "text", value: "S", help: "test split (default: test)" },
    ...BACKBONE_FLAGS,
    use: USE_FLAG,
  },
  examples: [
    "ocelli probe runs/simclr runs/mae efficientnet-lite0 --data pets",
    "ocelli probe runs/simclr --data pets --shots 5",
  ],
  async run({ operands, texts, integers }, output) {
    const { dataAt } = await import("./data.ts");
    const { probeModels } = await import("../transfer/classification/compare.ts");
    const data = await dataAt(texts.get("data"), "probe");
    const options = {
      shots: integers.get("shots"),
      seed: seedOf(texts.get("seed")),
      split: texts.get("split"),
      test: texts.get("test"),
      engine: texts.get("engine"),
      batchSize: integers.get("batch-size"),
      onBadImage: badImagePolicy(texts.get("on-bad-image")),
      architecture: architectureOf(texts.get("architecture")),
      preprocessing: texts.get("preprocess"),
      reporter: output,
    };
    return stoppable(output, async (signal) => {
      const models = await probeModels(operands, data, { ...options, signal });
      output.line(row(COLUMNS, "model"));
      for (const one of models) output.line(rowOf(one));
      return { models };
    });
  },
};
