/** @file Published weights in miniature: small random numbers in files, for recipes that begin with some or learn from some. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeNpz } from "../../src/formats/npz.ts";
import { type HostArray, type Spec, hostArray, sizeOf } from "../../src/graph/index.ts";
import { createModel } from "../../src/models/index.ts";
import { modelSpecs } from "../../src/nn/index.ts";
import { seededRandom } from "../../src/random.ts";
import type { ConfigInput } from "../../src/config/config.ts";
import { toFlat } from "../../src/tree.ts";
import { drawCaptioned } from "../e2e/captioned-drawings.ts";
import { SIDE, shrinkModel } from "./miniature.ts";

type Model = ConfigInput["model"];

/** Of the data that stands for every recipe's. */
const CLASSES = 10;

/** The recipe with its published weights in miniature, and with captioned drawings where it reads texts, below a folder. */
export async function withFiles(recipe: ConfigInput, dir: string): Promise<ConfigInput> {
  const { task } = recipe;
  if (!task || !("tokenizer" in task)) return withWeights(recipe, dir);
  const { data, tokenizer } = await drawCaptioned(dir);
  const begun = await withWeights(recipe, dir);
  const { length, pad } = task.tokenizer;
  const small = { ...tokenizer, length, pad };
  return { ...begun, data, split: "train", task: { ...task, tokenizer: small } as typeof task };
}

async function withWeights(recipe: ConfigInput, dir: string): Promise<ConfigInput> {
  const { objective, init } = recipe;
  const teacher =
    objective.name === "distillation" && typeof objective.teacher === "object"
      ? objective.teacher
      : undefined;
  const model = teacher && shrinkModel(teacher.model);
  const smallTeacher = teacher && model && { model, weights: await write(teacher.weights, model) };
  const begun = typeof init === "object" && "weights" in init ? init : undefined;
  const shared = begun?.weights === teacher?.weights; // student and teacher begin alike
  const smallInit = begun && {
    ...begun,
    weights: (shared && smallTeacher?.weights) || (await write(begun.weights, recipe.model)),
  };
  const parts = typeof init === "object" && "parts" in init ? init.parts : undefined;
  const towers = recipe.model as { readonly image?: Model };
  const smallParts = parts?.img &&
    towers.image && {
      parts: { img: { ...parts.img, weights: await write("image-tower.npz", towers.image) } },
    };
  return {
    ...recipe,
    ...(smallInit && { init: smallInit }),
    ...(smallParts && { init: smallParts }),
    ...(smallTeacher && { objective: { ...objective, teacher: smallTeacher } as typeof objective }),
  };

  async function write(name: string, { name: family, ...options }: Model): Promise<string> {
    const net = createModel(family, { ...options, numClasses: CLASSES });
    const { params, variables } = modelSpecs(net, { shape: [1, SIDE, SIDE, 3], dtype: "float32" });
    const random = seededRandom(name);
    const specs = { ...toFlat<Spec>(params), ...toFlat<Spec>(variables) };
    const drawn = Object.entries(specs).map(([path, { shape }]) => {
      const values = Float32Array.from({ length: sizeOf(shape) }, () =>
        path.endsWith("/var") ? 1 : 0.2 * random.uniform() - 0.1,
      );
      return [path, hostArray(shape, "float32", values)] as const;
    });
    const file = join(dir, `${recipe.name}-${name}`);
    await writeFile(file, writeNpz(Object.fromEntries<HostArray>(drawn)));
    return file;
  }
}
