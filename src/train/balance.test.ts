/** @file `balance`: classes of different sizes count the same, by sampling or in the loss. */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ConfigInput } from "../config/config.ts";
import { type TrainResult, train } from "./train.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-balance-"));
  for (const [split, name, count, background] of [
    ["train", "many", 38, "#707070"],
    ["train", "rare", 2, "#808080"],
    ["test", "many", 1, "#707070"],
    ["test", "rare", 1, "#808080"],
  ] as const) {
    await mkdir(join(dir, "images", split, name), { recursive: true });
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background } });
    for (let i = 0; i < count; i++) {
      await picture.png().toFile(join(dir, "images", split, name, `${i}.png`));
    }
  }
});
afterAll(() => rm(dir, { recursive: true }));

/** A few steps are enough for how often a class is seen, not to tell the pictures apart. */
const trained = (
  name: string,
  balance?: ConfigInput["balance"],
  objective: ConfigInput["objective"] = { name: "classification" },
): Promise<TrainResult> =>
  train(
    {
      name: "balance",
      data: { name: "folder", dir: join(dir, "images") },
      ...(balance && { balance }),
      preprocess: {
        train: "decode|resize(8)|value_range(-1,1)",
        eval: "decode|resize(8)|value_range(-1,1)",
      },
      batchSize: 8,
      duration: { steps: 12 },
      model: { name: "vit", patchSize: [8, 8], width: 8, depth: 1, mlpDim: 8, numHeads: 1 },
      objective,
      optimizer: { name: "adam", lr: 0.02 },
      evals: { classes: { type: "per-class", split: "test" }, test: { split: "test" } },
    },
    { workdir: join(dir, name), engine: "interpreter" },
  );

test("a rare class is not forgotten, by sampling and by weights", async () => {
  const plain = await trained("plain");
  expect(plain.loss).toBeGreaterThan(1); // sure that everything is of the many
  for (const balance of ["sampling", "loss"] as const) {
    const result = await trained(balance, balance);
    expect(result.loss).toBeLessThan(0.8); // ln 2 = 0.69 where both are as likely
  }
}, 60_000);

test("an objective that does not weigh classes says which do", async () => {
  const taught = trained("rotated", "loss", { name: "rotation" });
  await expect(taught).rejects.toThrow(
    'the objective rotation does not weigh classes: balance "loss" is for classification',
  );
});
