/** @file `ocelli embed`: what a model's backbone says of images, as a table. */

import { relative, sep } from "node:path";
import { OcelliError } from "../errors.ts";
import { type Command, QUIET_FLAG, USE_FLAG } from "./command.ts";
import { printableName } from "./printable.ts";
import { badImagePolicy } from "./eval.ts";
import { BACKBONE_FLAGS, architectureOf } from "./transfer.ts";

export const embed: Command = {
  name: "embed",
  summary: "Write the features of images to a parquet file",
  operands: "MODEL IMAGE|FOLDER|URL|-…",
  arity: [2, Infinity],
  flags: {
    out: { type: "text", value: "FILE.parquet", help: "output file (required)" },
    ...BACKBONE_FLAGS,
    quiet: QUIET_FLAG,
    use: USE_FLAG,
  },
  examples: [
    "ocelli embed efficientnet-lite0 holiday --out holiday.parquet",
    "ocelli embed efficientnet-lite0 https://example.org/cat.jpg dog.jpg --out two.parquet",
    "ocelli embed runs/pets pets --out pets.parquet --on-bad-image error",
  ],
  async run({ operands: [model, ...paths], texts, integers }, output) {
    const out = texts.get("out");
    if (out === undefined) {
      throw new OcelliError("argument", "ocelli embed needs --out.", {
        hint: "Such as --out features.parquet.",
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
    const id = (index: number): string =>
      below === undefined ? images[index] : relative(below, images[index]).split(sep).join("/");
    const source = { ...pathSource(images), id };
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
