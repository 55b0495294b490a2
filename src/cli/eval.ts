/** @file `ocelli eval`: how good a trained model is on labelled data. */

import { padText, textTable, textWidth } from "../columns.ts";
import { unknownName } from "../errors.ts";
import { BAD_IMAGE_POLICIES, type BadImagePolicy } from "../data/problems.ts";
import { type Command, QUIET_FLAG, USE_FLAG } from "./command.ts";
import { printableName } from "./printable.ts";
import { classTable, confusionTable } from "./class-tables.ts";

export const evalCommand: Command = {
  name: "eval",
  summary: "Evaluate a trained or exported model on labelled data",
  operands: "RUN|MODEL.onnx",
  arity: [1, 1],
  flags: {
    data: {
      type: "text",
      value: "PATH",
      help: "labelled data: a folder, .tar, .parquet, … (default: the run's data)",
    },
    split: {
      type: "text",
      value: "S",
      help: "split, or a slice of one (default: the one that the run was judged by, else test)",
    },
    type: {
      type: "text",
      value: "T,…",
      help: "evaluators, such as calibration, per-class, fewshot, knn (default: those that need no other data)",
    },
    from: {
      type: "text",
      value: "S",
      help: "split that fewshot and knn learn from (default: train)",
    },
    "batch-size": { type: "integer", help: "batch size (default: 64)" },
    "on-bad-image": {
      type: "text",
      value: "error|skip",
      help: "what to do with unreadable images (default: error)",
    },
    engine: { type: "text", value: "E", help: "engine: auto, ort, xla-cpu, … (default: auto)" },
    quiet: QUIET_FLAG,
    use: USE_FLAG,
  },
  examples: [
    "ocelli eval runs/pets",
    "ocelli eval runs/pets --data pets --type knn,fewshot",
    "ocelli eval runs/pets/model.onnx --data other-pets --split all --json",
  ],
  async run({ operands: [model], texts, integers }, output) {
    const { dataAt } = await import("./data.ts");
    const { tellProgress } = await import("../runs/forecast.ts");
    const { evaluateModelOn } = await import("../served/evaluate.ts");
    const { explainMetric } = await import("../runs/explain-metric.ts");
    const { showValue } = await import("../runs/list-show.ts");
    const named = texts.get("data");
    const data = named === undefined ? undefined : await dataAt(named, "eval");
    const result = await evaluateModelOn(model, data, {
      split: texts.get("split"),
      types: await evalTypes(texts.get("type")),
      from: texts.get("from"),
      engine: texts.get("engine"),
      batchSize: integers.get("batch-size"),
      onBadImage: badImagePolicy(texts.get("on-bad-image")),
      report: (line) => output.line(line),
      progress: tellProgress(output, "evaluation", "images"),
    });
    for (const note of result.notes) output.line(note);
    const values = Object.entries(result.values).map(([name, value]) => {
      return [printableName(name), showValue(name, value), explainMetric(name) ?? ""];
    });
    const width = Math.max(...["data", ...values.map(([name]) => name)].map(textWidth));
    const judged = `${result.data} ${result.split}: ${result.examples} images`;
    output.result(`${padText("data", width)}  ${judged}`);
    if (values.length > 0) for (const line of textTable(values, [1])) output.result(line);
    if (result.classes) {
      const { names, quality, confusion } = result.classes;
      for (const line of confusionTable(names, confusion, output.columns)) output.result(line);
      for (const line of classTable(names, quality, output.columns)) output.result(line);
    }
    for (const { id, reason } of result.problems)
      output.line(printableName(`left out ${id}: ${reason}`));
    return result;
  },
};

/** Types of evaluators from their names. */
async function evalTypes(names: string | undefined): Promise<string[] | undefined> {
  const { EVALUATORS } = await import("../evaluate/registry.ts");
  const valid = EVALUATORS.map(({ name }) => name);
  return names?.split(",").map((name) => {
    const type = valid.find((known) => known === name.trim());
    if (type === undefined) throw unknownName("evaluation", name, valid, "argument");
    return type;
  });
}

/** A policy by its name. */
export function badImagePolicy(name: string | undefined): BadImagePolicy | undefined {
  if (name === undefined) return undefined;
  const policy = BAD_IMAGE_POLICIES.find((valid) => valid === name);
  if (policy === undefined)
    throw unknownName("policy for bad images", name, BAD_IMAGE_POLICIES, "argument");
  return policy;
}
