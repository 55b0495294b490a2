/** @file `ocelli predict`: what a trained model sees in images. */

import { ANSWER_FLAGS, answerImages } from "./answer-images.ts";
import { type Command, USE_FLAG } from "./command.ts";

export const predict: Command = {
  name: "predict",
  summary: "Predict for images or folders with a trained, exported or published model",
  operands: "RUN|MODEL IMAGE|FOLDER|URL|-…",
  arity: [2, Infinity],
  flags: { ...ANSWER_FLAGS, use: USE_FLAG },
  examples: [
    "ocelli predict runs/quickstart digit.png",
    "ocelli predict runs/quickstart a.png b.png --top-k 1 --json",
    "ocelli predict efficientnet-lite0 cat.jpg",
    "ocelli predict runs/pets/model.onnx holiday/ --out predictions.jsonl",
    "ocelli predict runs/segmentation street/ --out maps",
    "curl -s https://example.org/cat.jpg | ocelli predict runs/pets -",
  ],
  async run(call, output) {
    const [run, ...paths] = call.operands;
    const { loadPredictor } = await import("../served/predict.ts");
    return answerImages(paths, call, output, (batchSize) =>
      loadPredictor(run, {
        ...{ engine: call.texts.get("engine"), batchSize },
        report: (line) => output.line(line),
      }),
    );
  },
};
