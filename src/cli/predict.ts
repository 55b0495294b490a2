/** @file `ocelli predict`: what a trained model sees in images. */

import { BATCH, answerImages } from "./answer-images.ts";
import { type Command, USE_FLAG } from "./command.ts";

export const predict: Command = {
  name: "predict",
  summary: "Predict for images or folders with a trained, exported or published model",
  operands: "RUN|MODEL IMAGE|FOLDER|URL|-…",
  arity: [2, Infinity],
  flags: {
    "top-k": { type: "integer", help: "number of names to show (default: 3)" },
    out: {
      type: "text",
      value: "FILE|DIR",
      help: "write one JSON object per line to FILE; of maps, a coloured PNG each into DIR",
    },
    "batch-size": { type: "integer", help: `batch size (default: ${BATCH})` },
    "on-bad-image": {
      type: "text",
      value: "error|skip",
      help: "what to do with unreadable images (default: skip in folders, else error)",
    },
    engine: { type: "text", value: "E", help: "engine: auto, ort, xla-cpu, … (default: auto)" },
    use: USE_FLAG,
  },
  examples: [
    "ocelli predict runs/quickstart digit.png",
    "ocelli predict runs/quickstart a.png b.png --top-k 1 --json",
    "ocelli predict efficientnet-lite0 cat.jpg",
    "ocelli predict runs/pets/model.onnx holiday/ --out predictions.jsonl",
    "ocelli predict runs/segmentation street/ --out maps",
    "curl -s https://example.org/cat.jpg | ocelli predict runs/pets -",
  ],
  run: ({ operands: [run, ...paths], texts, integers }, output) =>
    answerImages(run, paths, output, {
      topK: integers.get("top-k") ?? 3,
      batchSize: integers.get("batch-size"),
      onBadImage: texts.get("on-bad-image"),
      out: texts.get("out"),
      engine: texts.get("engine"),
    }),
};
