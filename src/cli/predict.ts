/** @file `ocelli predict`: what a trained model sees in images. */

import type { Command } from "./command.ts";

/** Images decoded and predicted at a time. */
const BATCH = 16;

export const predict: Command = {
  name: "predict",
  summary: "Classify images with a trained model",
  operands: "RUN IMAGE…",
  arity: [2, Infinity],
  flags: {
    "top-k": { type: "integer", help: "how many classes to show (3)" },
    engine: { type: "text", value: "E", help: "auto, ort or interpreter (auto)" },
  },
  examples: [
    "ocelli predict runs/quickstart digit.png",
    "ocelli predict runs/quickstart a.png b.png --top-k 1 --json",
  ],
  async run({ operands: [run, ...images], texts, integers }, output) {
    const { decodeImageFile } = await import("../data/decode.ts");
    const { loadPredictor } = await import("../train/predict.ts");
    const topK = integers.get("top-k") ?? 3;
    const batchSize = Math.min(BATCH, images.length);
    const predictor = await loadPredictor(run, { engine: texts.get("engine"), batchSize });
    const predictions: { image: string; top: { class: string; probability: number }[] }[] = [];
    try {
      for (let i = 0; i < images.length; i += batchSize) {
        const paths = images.slice(i, i + batchSize);
        const results = await predictor.predict(await Promise.all(paths.map(decodeImageFile)));
        for (const [k, ranked] of results.entries()) {
          const top = ranked.slice(0, topK);
          predictions.push({ image: paths[k], top });
          const shown = top.map(
            (entry) => `${entry.class} ${(100 * entry.probability).toFixed(1)} %`,
          );
          output.line(`${paths[k]}  ${shown.join("  ")}`);
        }
      }
    } finally {
      await predictor.dispose();
    }
    return { predictions };
  },
};
