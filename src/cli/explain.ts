/** @file `ocelli explain`: where in images a model's answers come from. */

import { join } from "node:path";
import { unknownName } from "../errors.ts";
import { EXPLAIN_METHODS, type ExplainMethod } from "../evaluate/explain-methods.ts";
import type { Explained } from "../explain/explain.ts";
import { type Command, USE_FLAG } from "./command.ts";
import { BACKBONE_FLAGS, architectureOf } from "./transfer.ts";

/** Classes in the result of each image. */
const TOP = 5;

export const explain: Command = {
  name: "explain",
  summary: "Explain a classifier's answers as pictures (Grad-CAM, attention)",
  operands: "RUN|MODEL IMAGE|FOLDER|URL|-…",
  arity: [2, Infinity],
  flags: {
    method: {
      type: "text",
      value: EXPLAIN_METHODS.join("|"),
      help: "Grad-CAM, attention of the last layer, or attention rollout (default: grad-cam)",
    },
    class: {
      type: "text",
      value: "NAME",
      help: "class to explain (default: the most probable one)",
    },
    heads: { type: "switch", help: "write one picture per attention head instead of their mean" },
    out: { type: "text", value: "DIR", help: "folder for the pictures (default: explained)" },
    classes: {
      type: "text",
      value: "FILE",
      help: "file with class names, one per line or JSON, for weights without names",
    },
    architecture: BACKBONE_FLAGS.architecture,
    preprocess: BACKBONE_FLAGS.preprocess,
    engine: BACKBONE_FLAGS.engine,
    use: USE_FLAG,
  },
  examples: [
    "ocelli explain runs/pets cat.jpg",
    "ocelli explain runs/digits digits/ --method rollout --out maps",
    "ocelli explain efficientnet-lite0 cat.jpg --class tabby",
    "curl -s https://example.org/cat.jpg | ocelli explain runs/pets -",
  ],
  async run({ operands: [model, ...paths], texts, switches }, output) {
    const { imagePaths } = await import("../data/readers/images.ts");
    const { PAGE, explain: explainImages } = await import("../explain/explain.ts");
    const method = methodOf(texts.get("method"));
    const { images, notes } = await imagePaths(paths);
    for (const note of notes) output.line(note);
    const out = texts.get("out") ?? "explained";
    const explained: Explained[] = [];
    const results = explainImages(model, images, {
      method,
      class: texts.get("class"),
      heads: switches.has("heads"),
      out,
      classes: texts.get("classes"),
      architecture: architectureOf(texts.get("architecture")),
      preprocessing: texts.get("preprocess"),
      engine: texts.get("engine"),
      report: (line) => output.line(line),
    });
    for await (const result of results) {
      explained.push({ ...result, ranked: result.ranked.slice(0, TOP) });
      const sure = `${result.class} ${(100 * result.probability).toFixed(1)} %`;
      output.line(`${result.image}  ${sure}  ${result.files.join(" ")}`);
    }
    if (explained.length > 0) output.line(`${join(out, PAGE)} shows them beside their originals`);
    return { method, images: explained, page: join(out, PAGE) };
  },
};

function methodOf(name: string | undefined): ExplainMethod {
  const method = EXPLAIN_METHODS.find((valid) => valid === (name ?? "grad-cam"));
  if (method === undefined) throw unknownName("method", name!, EXPLAIN_METHODS, "argument");
  return method;
}
