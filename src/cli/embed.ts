/** @file `ocelli embed`: the features of images, or the vectors of texts, as a table. */

import { OcelliError } from "../errors.ts";
import type { embedTextsTo as EmbedTextsTo } from "../transfer/embed.ts";
import { type Command, type Output, QUIET_FLAG, USE_FLAG } from "./command.ts";
import { printableName } from "./printable.ts";
import { badImagePolicy } from "./eval.ts";
import { BACKBONE_FLAGS, architectureOf } from "./transfer.ts";

export const embed: Command = {
  name: "embed",
  summary: "Write the features of images, or of texts, to a parquet file",
  operands: "MODEL IMAGE|FOLDER|URL|-…",
  arity: [1, Infinity],
  flags: {
    out: { type: "text", value: "FILE.parquet", help: "output file (required)" },
    text: {
      type: "list",
      value: "TEXT",
      help: "a text in place of images, for a model of images and texts; may be given several times",
    },
    texts: { type: "text", value: "FILE", help: "texts in place of images, one on each line" },
    ...BACKBONE_FLAGS,
    quiet: QUIET_FLAG,
    use: USE_FLAG,
  },
  examples: [
    "ocelli embed efficientnet-lite0 holiday --out holiday.parquet",
    "ocelli embed efficientnet-lite0 https://example.org/cat.jpg dog.jpg --out two.parquet",
    "ocelli embed runs/pets pets --out pets.parquet --on-bad-image error",
    'ocelli embed runs/pairs --text "a red bird" --text "a boat" --out words.parquet',
  ],
  async run({ operands: [model, ...paths], texts, integers, lists }, output) {
    const out = texts.get("out");
    if (out === undefined) {
      throw new OcelliError("argument", "ocelli embed needs --out.", {
        hint: "Such as --out features.parquet.",
      });
    }
    const given = lists.get("text") ?? [];
    const { textsGiven } = await import("./texts.ts");
    const lines = await textsGiven(given, texts.get("texts"));
    if (lines.length > 0) {
      if (paths.length > 0) {
        throw new OcelliError("argument", `${paths[0]} is an image, and texts are given too.`, {
          hint: "Write images and texts to files of their own.",
        });
      }
      const { embedTextsTo } = await import("../transfer/embed.ts");
      const write = (from: Parameters<typeof embedTextsTo>[1]) => embedTextsTo(out, from, lines);
      return writeTexts(model, lines, { write, engine: texts.get("engine") }, output);
    }
    if (paths.length === 0) {
      throw new OcelliError("argument", "ocelli embed needs images, or texts as --text.", {
        hint: "See ocelli embed --help.",
      });
    }
    const { imagePaths, pathSource } = await import("../data/readers/images.ts");
    const { DataProblems } = await import("../data/problems.ts");
    const { parsePreprocessing } = await import("../preprocess/pipeline.ts");
    const { openBackbone } = await import("../transfer/backbone.ts");
    const { tellProgress } = await import("../runs/forecast.ts");
    const { embedImages } = await import("../transfer/embed.ts");
    const { images, folders, notes } = await imagePaths(paths);
    for (const note of notes) output.line(note);
    const below = folders === 1 && paths.length === 1 ? paths[0] : undefined;
    const source = pathSource(images, below);
    const backbone = await openBackbone(model, {
      architecture: architectureOf(texts.get("architecture")),
      preprocessing: texts.get("preprocess"),
      report: (line) => output.line(line),
    });
    const problems = new DataProblems(({ id, reason }) =>
      output.line(printableName(`left out ${id}: ${reason}`)),
    );
    const result = await embedImages(backbone, source, out, {
      engine: texts.get("engine"),
      batchSize: integers.get("batch-size"),
      onBadImage: badImagePolicy(texts.get("on-bad-image")),
      problems,
      progress: tellProgress(output, "features", "images"),
    });
    const { count, features, seconds } = result;
    const note = problems.note(parsePreprocessing(backbone.preprocessing).alpha);
    if (note !== undefined) output.line(note);
    output.result(`${out}: ${count} images, ${features} features each, ${seconds.toFixed(1)} s`);
    return result;
  },
};

/** Writes the vectors of a model's texts. */
type WriteTexts = (from: Parameters<typeof EmbedTextsTo>[1]) => ReturnType<typeof EmbedTextsTo>;

/** Embeds texts and writes them. */
async function writeTexts(
  spec: string,
  lines: readonly string[],
  { write, engine }: { readonly write: WriteTexts; readonly engine: string | undefined },
  output: Output,
) {
  const { openModel } = await import("../served/open.ts");
  const { notesOnTexts, textsOf } = await import("../served/texts.ts");
  const model = await openModel(spec, { engine, report: (line) => output.line(line) });
  try {
    const texts = textsOf(model, spec);
    for (const note of notesOnTexts(texts, lines)) output.line(printableName(note));
    const result = await write({ card: model.card, texts });
    output.result(`${result.out}: ${result.count} texts, ${result.features} numbers each`);
    return result;
  } finally {
    await model.dispose();
  }
}
