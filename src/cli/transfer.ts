/** @file `ocelli transfer`: a published backbone, and a classifier of one's own images on it. */

import { OcelliError, unknownName } from "../errors.ts";
import { TRANSFER_METHODS, type TransferResult } from "../transfer/classification/options.ts";
import { type Command, type Output, QUIET_FLAG, USE_FLAG } from "./command.ts";
import { badImagePolicy } from "./eval.ts";
import { classTable, percent } from "./class-tables.ts";
import { stoppable } from "./stoppable.ts";

/** Flags of every command that opens a backbone. */
export const BACKBONE_FLAGS = {
  architecture: {
    type: "text",
    value: "NAME|JSON",
    help: "model of the weights, if no config.json beside them says it",
  },
  preprocess: {
    type: "text",
    value: "TEXT",
    help: "preprocessing (default: that of the model's training)",
  },
  engine: { type: "text", value: "E", help: "engine: auto, ort, xla-cpu, … (default: auto)" },
  "batch-size": {
    type: "integer",
    help: "batch size (default: 16)",
  },
  "on-bad-image": {
    type: "text",
    value: "error|skip",
    help: "what to do with unreadable images (default: skip)",
  },
} as const;

export const transferCommand: Command = {
  name: "transfer",
  summary: "Fine-tune a published model on your own images; a few per class are enough",
  operands: "",
  arity: [0, 0],
  flags: {
    data: {
      type: "text",
      value: "PATH",
      help: "your data: a folder with a folder per class, .tar, .parquet, … (required)",
    },
    model: {
      type: "text",
      value: "NAME|RUN|FILE|hf:…",
      help: "backbone (default: efficientnet-lite0)",
    },
    method: {
      type: "text",
      value: TRANSFER_METHODS.join("|"),
      help: "method (default: linear)",
    },
    shots: { type: "integer", value: "N", help: "training images per class (default: all)" },
    seed: { type: "text", value: "N", help: "seed that picks the images (default: 0)" },
    seeds: { type: "integer", help: "number of seeds to run, starting at --seed (default: 1)" },
    split: { type: "text", value: "S", help: "training split, or a slice of one (default: train)" },
    test: { type: "text", value: "S", help: "test split (default: test)" },
    epochs: { type: "integer", help: "epochs, for full and lora (default: 10)" },
    lr: {
      type: "text",
      value: "RATE",
      help: "peak learning rate, for full and lora (default: 3e-4 and 1e-3)",
    },
    rank: { type: "integer", help: "rank of the adapters, for lora (default: 8)" },
    alpha: {
      type: "text",
      value: "N",
      help: "adapters are scaled by alpha / rank, for lora (default: 16)",
    },
    targets: {
      type: "text",
      value: "REGEX",
      help: "kernels to adapt by name, for lora (default: all dense layers except the head)",
    },
    budget: {
      type: "text",
      value: "PERCENT",
      help: "percentage of the rule's steps to run, for hyperrule (default: 100)",
    },
    workdir: { type: "text", value: "DIR", help: "run folder (default: runs/transfer, numbered)" },
    ...BACKBONE_FLAGS,
    "batch-size": {
      type: "integer",
      help: "images computed together (default: 16; 32 for full, lora and hyperrule)",
    },
    quiet: QUIET_FLAG,
    use: USE_FLAG,
  },
  examples: [
    "ocelli transfer --data pets",
    "ocelli transfer --data pets --shots 20 --workdir runs/pets",
    "ocelli transfer --data pets --model hf:google/vit-base-patch16-224",
    "ocelli transfer --data pets --model runs/other --method fewshot",
    "ocelli transfer --data pets --method hyperrule --budget 10",
  ],
  async run({ texts, integers }, output) {
    const { dataAt } = await import("./data.ts");
    const { transfer } = await import("../transfer/classification/transfer.ts");
    const data = await dataAt(texts.get("data"), "transfer");
    const method = methodOf(texts.get("method"));
    checkFlags(method ?? "linear", [...texts.keys(), ...integers.keys()]);
    const seed = seedOf(texts.get("seed"));
    const options = {
      model: texts.get("model"),
      method,
      shots: integers.get("shots"),
      split: texts.get("split"),
      test: texts.get("test"),
      workdir: texts.get("workdir"),
      engine: texts.get("engine"),
      batchSize: integers.get("batch-size"),
      onBadImage: badImagePolicy(texts.get("on-bad-image")),
      epochs: integers.get("epochs"),
      lr: positiveOf("lr", texts.get("lr")),
      lora: given({
        rank: integers.get("rank"),
        alpha: positiveOf("alpha", texts.get("alpha")),
        targets: texts.get("targets"),
      }),
      budget: budgetOf(texts.get("budget")),
      architecture: architectureOf(texts.get("architecture")),
      preprocessing: texts.get("preprocess"),
      reporter: output,
    };
    const seeds = integers.get("seeds") ?? 1;
    return stoppable(output, (signal) =>
      unlessStopped(signal, output, async () => {
        if (seeds === 1) {
          const { shellWord } = await import("../runs/run.ts");
          const result = show(await transfer(data, { ...options, seed, signal }), output);
          if (result.interrupted || result.workdir === undefined) return result;
          const run = shellWord(result.workdir);
          output.line(`next      ocelli predict ${run} IMAGE`);
          output.line(`          ocelli export ${run} --to web --out FOLDER`);
          return result;
        }
        const { transferBySeeds } = await import("../transfer/classification/by-seeds.ts");
        const result = await transferBySeeds(data, { ...options, seed, signal }, seeds, (one) =>
          show(one, output),
        );
        const each = result.accuracies.map(percent).join(", ");
        output.result(`mean      ${percent(result.accuracy)} of ${seeds} seeds (${each})`);
        return result;
      }),
    );
  },
};

/** Runs a transfer; one that was stopped before it had anything to leave says so. */
async function unlessStopped<T extends object>(
  signal: AbortSignal,
  output: Output,
  run: () => Promise<T>,
): Promise<T | { readonly interrupted: true }> {
  try {
    return await run();
  } catch (error) {
    if (error !== signal.reason) throw error;
    output.result("stopped before anything was saved; run the same command again");
    return { interrupted: true };
  }
}

/** Shows a result to people. */
function show(result: TransferResult, output: Output): TransferResult {
  if (result.interrupted) return result;
  const ece = result.ece === undefined ? "" : `, calibration error ${percent(result.ece)}`;
  output.result(
    result.accuracy === undefined
      ? "accuracy  unknown: no class has a second image, which could judge"
      : `accuracy  ${percent(result.accuracy)} of ${result.testImages} images${ece}`,
  );
  if (result.l2 !== undefined) output.result(`l2        ${result.l2}`);
  output.result(`time      ${result.seconds.toFixed(1)} s`);
  output.result(
    result.workdir === undefined
      ? "kNN leaves no run: it has no classifier of its own to save"
      : `run       ${result.workdir}`,
  );
  for (const line of classTable(result.classes, result.perClass, output.columns))
    output.result(line);
  return result;
}

/** Flags that only some methods read. */
const FLAGS_OF: Readonly<Record<string, readonly string[]>> = {
  epochs: ["full", "lora"],
  lr: ["full", "lora"],
  rank: ["lora"],
  alpha: ["lora"],
  targets: ["lora"],
  budget: ["hyperrule"],
};

/** An error where a flag is given that the method does not read. */
function checkFlags(method: string, flags: readonly string[]): void {
  for (const flag of flags) {
    const methods = Object.hasOwn(FLAGS_OF, flag) ? FLAGS_OF[flag] : [method];
    if (methods.includes(method)) continue;
    throw new OcelliError("argument", `--${flag} is not for --method ${method}.`, {
      given: method,
      valid: methods,
      hint: `It is for ${methods.join(" and ")}.`,
    });
  }
}

/** The values that are not undefined. */
const given = <T extends object>(values: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Partial<T>;

function methodOf(name: string | undefined) {
  if (name === undefined) return undefined;
  const method = TRANSFER_METHODS.find((valid) => valid === name);
  if (method === undefined) throw unknownName("method", name, TRANSFER_METHODS, "argument");
  return method;
}

export function seedOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new OcelliError("argument", `--seed must be a whole number, not "${text}".`);
}

function positiveOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (Number(text) > 0 && Number.isFinite(Number(text))) return Number(text);
  throw new OcelliError("argument", `--${flag} must be a number above 0, not "${text}".`);
}

/** A part from percent. */
function budgetOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replace(/%$/, ""));
  if (value > 0 && value <= 100) return value / 100;
  throw new OcelliError("argument", `--budget must be percent above 0, up to 100, not "${text}".`);
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
