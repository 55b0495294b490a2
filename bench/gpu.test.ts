import { expect, test } from "vitest";
import { describeGpu, summariseGpu } from "./gpu.ts";

const options = { variant: "B/16", batch: 256, pairs: 2, engine: "auto" };
const line = (what: string, images: number) =>
  JSON.stringify({ what, images_per_s: images, utilisation: images / 10_000, notes: ["a note"] });

test("the best run of each counts", () => {
  const text = `node v24\n${[line("ocelli, XLA", 900), line("jax 0.10", 1000), line("ocelli, XLA", 1100), line("jax 0.10", 990)].join("\n")}\n`;
  const result = summariseGpu(options, text);
  expect(result.ratio).toBeCloseTo(1.1, 9);
  expect(describeGpu(result)).toBe(
    "ViT-B/16 bfloat16, batch 256: 1.10 times JAX's images/s\n" +
      "  ocelli, XLA: 1100 images/s, 11.0 % of the peak\n" +
      "  jax 0.10: 1000 images/s, 10.0 % of the peak\n" +
      "  a note",
  );
});

test("a framework that failed is named", () => {
  expect(() => summariseGpu(options, line("ocelli, XLA", 900))).toThrow(
    "jax gave no figure on the GPU",
  );
});
