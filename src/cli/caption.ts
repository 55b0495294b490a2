/** @file `ocelli caption`: sentences about images, written by a captioner. */

import { OcelliError } from "../errors.ts";
import type { GenerationOptions } from "../models/index.ts";
import { ANSWER_FLAGS, answerImages } from "./answer-images.ts";
import { type Command, USE_FLAG } from "./command.ts";

export const caption: Command = {
  name: "caption",
  summary: "Write captions for images or folders with a trained captioner",
  operands: "RUN|MODEL IMAGE|FOLDER|URL|-…",
  arity: [2, Infinity],
  flags: {
    beam: { type: "integer", help: "number of beams (default: 1, greedy)" },
    "length-penalty": {
      type: "text",
      value: "A",
      help: "with --beam: favour longer captions, such as 0.6 (default: 0)",
    },
    sample: { type: "switch", help: "sample tokens instead of taking the most likely" },
    temperature: { type: "text", value: "T", help: "with --sample (default: 1)" },
    "top-k": {
      type: "integer",
      help: "with --sample: the K most likely tokens only (default: all)",
    },
    "top-p": {
      type: "text",
      value: "P",
      help: "with --sample: the most likely tokens up to a total probability of P (default: 1)",
    },
    seed: { type: "text", value: "N", help: "with --sample: random seed (default: 0)" },
    "max-length": { type: "integer", help: "maximum number of tokens (default: as in training)" },
    out: { type: "text", value: "FILE", help: "write one JSON object per line to FILE" },
    "batch-size": ANSWER_FLAGS["batch-size"],
    "on-bad-image": ANSWER_FLAGS["on-bad-image"],
    engine: ANSWER_FLAGS.engine,
    quiet: ANSWER_FLAGS.quiet,
    use: USE_FLAG,
  },
  examples: [
    "ocelli caption runs/captions cat.jpg",
    "ocelli caption runs/captions holiday/ --beam 4 --out captions.jsonl",
    "ocelli caption runs/captions cat.jpg --sample --top-p 0.9 --seed 7 --json",
  ],
  async run(call, output) {
    const [run, ...paths] = call.operands;
    const { texts, integers, switches } = call;
    const number = (flag: string): number | undefined => {
      const text = texts.get(flag);
      const value = text === undefined || text.trim() === "" ? NaN : Number(text);
      if (text === undefined || !Number.isNaN(value)) return text === undefined ? undefined : value;
      throw new OcelliError("argument", `--${flag} must be a number, not "${text}".`, {
        given: text,
      });
    };
    const drawing = {
      ...{ temperature: number("temperature"), topP: number("top-p"), seed: number("seed") },
      topK: integers.get("top-k"),
    };
    const isSampled = switches.has("sample");
    const [needless] = Object.entries(FLAGS).filter(
      ([key]) => drawing[key as keyof typeof drawing] !== undefined,
    );
    if (!isSampled && needless) {
      throw new OcelliError("argument", `${needless[1]} needs --sample.`, {
        hint: "Add --sample.",
      });
    }
    const generation = await checked({
      ...drawing,
      ...(isSampled && { seed: drawing.seed ?? 0 }),
      ...{ beams: integers.get("beam"), lengthPenalty: number("length-penalty") },
      maxLength: integers.get("max-length"),
    });
    const { loadPredictor } = await import("../served/predict.ts");
    return answerImages(paths, call, output, (batchSize) =>
      loadPredictor(run, {
        ...{ engine: texts.get("engine"), batchSize, generation },
        report: (line) => output.line(line),
      }),
    );
  },
};

/** Flags by the option that they are. */
const FLAGS = {
  temperature: "--temperature",
  topP: "--top-p",
  topK: "--top-k",
  seed: "--seed",
} as const;
const ALL_FLAGS: Readonly<Record<string, string>> = {
  ...FLAGS,
  beams: "--beam",
  lengthPenalty: "--length-penalty",
  maxLength: "--max-length",
};

/** Options within their bounds; an error names the flag. */
async function checked(options: GenerationOptions): Promise<GenerationOptions> {
  const { z } = await import("zod");
  const { generationKeys } = await import("../models/index.ts");
  const { data, error } = z.strictObject(generationKeys).safeParse(options);
  if (data) return data;
  const [{ path, message }] = error.issues;
  throw new OcelliError("argument", `${ALL_FLAGS[String(path[0])]}: ${message}.`);
}
