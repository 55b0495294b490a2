/** @file A teacher in miniature, with weights of its own, for recipes that learn from one. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeNpz } from "../../src/formats/npz.ts";
import { type HostArray, type Spec, hostArray, sizeOf } from "../../src/graph/index.ts";
import { createModel } from "../../src/models/index.ts";
import { modelSpecs } from "../../src/nn/index.ts";
import { seededRandom } from "../../src/preprocess/random.ts";
import type { ConfigInput } from "../../src/train/config.ts";
import { toFlat } from "../../src/tree.ts";
import { SIDE, shrinkModel } from "./miniature.ts";

/** Of the data that stands for every recipe's. */
const CLASSES = 10;

/** The recipe with its published teacher shrunk; the weights, small random numbers, are written into a folder. */
export async function withTeacher(recipe: ConfigInput, dir: string): Promise<ConfigInput> {
  const { objective } = recipe;
  if (objective.name !== "distillation" || typeof objective.teacher === "string") return recipe;
  const model = shrinkModel(objective.teacher.model);
  const { name, ...options } = model;
  const net = createModel(name, { ...options, numClasses: CLASSES });
  const { params } = modelSpecs(net, { shape: [1, SIDE, SIDE, 3], dtype: "float32" });
  const random = seededRandom(recipe.name);
  const drawn = Object.entries(toFlat<Spec>(params)).map(([path, { shape }]) => {
    const values = Float32Array.from({ length: sizeOf(shape) }, () => 0.2 * random.uniform() - 0.1);
    return [path, hostArray(shape, "float32", values)] as const;
  });
  const weights = join(dir, `${recipe.name}-teacher.npz`);
  await writeFile(weights, writeNpz(Object.fromEntries<HostArray>(drawn)));
  return { ...recipe, objective: { ...objective, teacher: { model, weights } } };
}
