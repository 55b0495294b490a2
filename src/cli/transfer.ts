/** @file `ocelli transfer`: a published backbone, and a classifier of one's own images on it. */

import { OcelliError, unknownName } from "../errors.ts";
import type { Command } from "./command.ts";
import { badImagePolicy } from "./eval.ts";
import { percent, worstClasses } from "./show-classes.ts";
import { stoppable } from "./stoppable.ts";

const METHODS = ["linear", "fewshot", "knn", "full"] as const;

/** Flags of every command that opens a backbone. */
export const BACKBONE_FLAGS = {
  architecture: {
    type: "text",
    value: "NAME|JSON",
    help: "the model that a file of weights is of, where the file does not say",
  },
  preprocess: {
    type: "text",
    value: "TEXT",
    help: "how images are prepared (as the model was trained)",
  },
  engine: { type: "text", value: "E", help: "auto, ort, xla-cpu, … (auto)" },
  "batch-size": { type: "integer", help: "images computed together (16)" },
  "on-bad-image": { type: "text", value: "error|skip", help: "images that cannot be read (skip)" },
} as const;

export const transferCommand: Command = {
  name: "transfer",
  summary: "Teach a published model your own classes, from a few images of each",
  operands: "",
  arity: [0, 0],
  flags: {
    data: { type: "text", value: "PATH", help: "the data: a folder, .tar, .parquet, … (needed)" },
    model: {
      type: "text",
      value: "NAME|RUN|FILE|hf:…",
      help: "the backbone (efficientnet-lite0)",
    },
    method: {
      type: "text",
      value: METHODS.join("|"),
      help: "how the classifier is found (linear)",
    },
    shots: { type: "integer", value: "N", help: "images of each class to learn from (all)" },
    seed: { type: "text", value: "N", help: "picks the images (0)" },
    split: { type: "text", value: "S", help: "a split to learn from, or a slice of one (train)" },
    test: { type: "text", value: "S", help: "a split to judge by (test)" },
    epochs: { type: "integer", help: "times that full goes through the images (10)" },
    lr: { type: "text", value: "RATE", help: "the peak learning rate of full (3e-4)" },
    workdir: { type: "text", value: "DIR", help: "the run folder (runs/transfer, numbered)" },
    ...BACKBONE_FLAGS,
  },
  examples: [
    "ocelli transfer --data pets",
    "ocelli transfer --data pets --shots 20 --workdir runs/pets",
    "ocelli transfer --data pets --model runs/other --method fewshot",
  ],
  async run({ texts, integers }, output) {
    const { dataAt } = await import("./data.ts");
    const { transfer } = await import("../train/transfer/transfer.ts");
    const data = await dataAt(texts.get("data"), "transfer");
    const options = {
      model: texts.get("model"),
      method: methodOf(texts.get("method")),
      shots: integers.get("shots"),
      seed: seedOf(texts.get("seed")),
      split: texts.get("split"),
      test: texts.get("test"),
      workdir: texts.get("workdir"),
      engine: texts.get("engine"),
      batchSize: integers.get("batch-size"),
      onBadImage: badImagePolicy(texts.get("on-bad-image")),
      epochs: integers.get("epochs"),
      lr: rateOf(texts.get("lr")),
      architecture: architectureOf(texts.get("architecture")),
      preprocessing: texts.get("preprocess"),
      reporter: output,
    };
    const result = await stoppable(output, (signal) => transfer(data, { ...options, signal }));
    if (result.accuracy === undefined) return result;
    output.line(`accuracy  ${percent(result.accuracy)} of ${result.testImages} images`);
    if (result.l2 !== undefined) output.line(`l2        ${result.l2}`);
    for (const line of worstClasses(result)) output.line(line);
    output.line(`time      ${result.seconds.toFixed(1)} s`);
    output.line(
      result.workdir === undefined
        ? "kNN leaves no run: it has no classifier of its own to save"
        : `run       ${result.workdir}`,
    );
    return result;
  },
};

function methodOf(name: string | undefined) {
  if (name === undefined) return undefined;
  const method = METHODS.find((valid) => valid === name);
  if (method === undefined) throw unknownName("method", name, METHODS, "argument");
  return method;
}

function seedOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new OcelliError("argument", `--seed must be a whole number, not "${text}".`);
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (Number(text) > 0 && Number.isFinite(Number(text))) return Number(text);
  throw new OcelliError("argument", `--lr must be a number above 0, not "${text}".`);
}

/** A model's name, or its name and options as JSON. */
export function architectureOf(text: string | undefined) {
  if (text === undefined) return undefined;
  if (!text.trimStart().startsWith("{")) return { name: text };
  try {
    const given = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (typeof given.name === "string") return { ...given, name: given.name };
  } catch {
    // the error below says what is valid
  }
  throw new OcelliError("argument", `--architecture must be a model's name or JSON, not ${text}.`, {
    hint: `Such as vit or '{"name":"vit","variant":"S/16"}'.`,
  });
}
