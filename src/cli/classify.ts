/** @file `ocelli classify`: which of some labels fits images best, by a model of images and texts. */

import { statSync } from "node:fs";
import { OcelliError } from "../errors.ts";
import { ANSWER_FLAGS, answerImages } from "./answer-images.ts";
import { type Command, USE_FLAG } from "./command.ts";
import { printableName } from "./printable.ts";

const { "top-k": topK, ...OTHERS } = ANSWER_FLAGS;

export const classify: Command = {
  name: "classify",
  summary: "Classify images by labels in words, without training, with a model of images and texts",
  operands: "RUN|MODEL IMAGE|FOLDER|URL|-…",
  arity: [2, Infinity],
  flags: {
    labels: {
      type: "text",
      value: "A,B,…|FILE",
      help: "labels separated by commas, or a file with a label per line, whose names are separated by commas (required)",
    },
    template: {
      type: "list",
      value: "TEXT",
      help: 'a prompt such as "a photo of a {}", or clip_best; may be given several times (default: "{}")',
    },
    "top-k": { ...topK, help: "number of labels to show (default: 3)" },
    ...OTHERS,
    out: { type: "text", value: "FILE", help: "write one JSON object per line to FILE" },
    use: USE_FLAG,
  },
  examples: [
    "ocelli classify runs/pairs --labels cat,dog cat.jpg",
    "ocelli classify hf:google/siglip-base-patch16-224 --labels cat,dog cat.jpg",
    'ocelli classify runs/pairs --labels labels.txt --template "a photo of a {}" holiday/ --json',
  ],
  async run(call, output) {
    const [spec, ...paths] = call.operands;
    const { readLines } = await import("./texts.ts");
    const labels = await labelsOf(call.texts.get("labels"), readLines);
    const { loadZeroShot } = await import("../served/classification/zero-shot.ts");
    const templates = await templatesGiven(call.lists.get("template"));
    return answerImages(paths, call, output, (batchSize) =>
      loadZeroShot(spec, labels, {
        ...{ engine: call.texts.get("engine"), batchSize, templates },
        report: (line) => output.line(printableName(line)),
      }),
    );
  },
};

/** The labels of a file, or those between commas. */
async function labelsOf(
  given: string | undefined,
  read: (file: string) => Promise<string[]>,
): Promise<readonly string[]> {
  if (given === undefined) {
    throw new OcelliError("argument", "ocelli classify needs --labels.", {
      hint: "Such as --labels cat,dog.",
    });
  }
  const isFile =
    statSync(given, { throwIfNoEntry: false })?.isFile() ||
    (!given.includes(",") && /\.txt$/i.test(given));
  if (isFile) return read(given);
  return given.split(",").map((label) => label.trim());
}

/** Templates of the command line, where the name of a set stands for those of it. */
async function templatesGiven(given: readonly string[] | undefined) {
  const { PROMPT_TEMPLATES } = await import("../evaluate/index.ts");
  return given?.flatMap((one): readonly string[] =>
    Object.hasOwn(PROMPT_TEMPLATES, one)
      ? PROMPT_TEMPLATES[one as keyof typeof PROMPT_TEMPLATES]
      : [one],
  );
}
