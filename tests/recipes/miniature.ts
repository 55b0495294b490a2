/** @file Recipes shrunk so that two steps of them take a second: every key stays, and is read. */

import type { ConfigInput } from "../../src/config/config.ts";

type Json = Readonly<Record<string, unknown>>;

/** Images are scaled down to this side; patches stay. */
export const SIDE = 32;

/** Sizes by model; what a recipe's model says beside them stays. */
const SIZES: Readonly<Record<string, Json>> = {
  vit: { width: 32, depth: 2, mlpDim: 64, numHeads: 2 },
  flexivit: { width: 32, depth: 2, mlpDim: 64, numHeads: 2 },
  "mlp-mixer": { numBlocks: 2, hiddenDim: 32, tokensMlpDim: 16, channelsMlpDim: 64 },
  bit: { depth: [1, 1, 1, 1], width: 0.5 },
  "bit-paper": { depth: [1, 1, 1, 1], width: 0.5 },
  resnet: { depth: [1, 1, 1, 1], width: 0.25 },
  convnext: { depths: [1, 1, 1, 1], widths: [8, 16, 32, 64] },
};

/** Sizes of the parts of a model that has some. */
const PARTS: Readonly<Record<string, Json>> = {
  "two-towers": {
    image: { width: 32, depth: 2, mlpDim: 64, numHeads: 2 },
    text: { width: 32, depth: 2, mlpDim: 64, numHeads: 2, vocabSize: undefined },
    outDim: [null, 32],
  },
  cappa: {
    encoder: { width: 32, depth: 2, mlpDim: 64, numHeads: 2 },
    vocabSize: undefined,
    seqLen: undefined,
  },
};

/** A model with small sizes. */
export function shrinkModel(model: ConfigInput["model"]): ConfigInput["model"] {
  const parts = Object.entries(PARTS[model.name] ?? {}).map(([key, small]) => {
    const given = (model as Json)[key];
    const isPart = typeof small === "object" && !Array.isArray(small);
    return [key, isPart ? { ...(given as object), ...small } : small] as const;
  });
  return { ...model, ...SIZES[model.name], ...Object.fromEntries(parts) } as ConfigInput["model"];
}

/** FlexiViT divides its pictures by many patches; a smaller picture would have no such divisors. */
const KEEPS_SIDE: ReadonlySet<string> = new Set(["flexivit"]);

/** The smallest side, of small views: a patch of 16 stays one. */
const LEAST = 16;

const SIZED =
  /\b(resize|resize_small|resize_long|central_crop|random_crop|inception_crop|random_resized_crop)\((\d+)/g;

/** Sizes of heads and decoders by objective, of options that are named. */
const HEADS: Readonly<Record<string, Json>> = {
  simclr: { hidden: 16, outputs: 8 },
  dino: { outputs: 32, hidden: 16, bottleneck: 8 },
  mae: { decoder: { width: 32, depth: 1, numHeads: 2 } },
};

/** An objective with small heads. */
function shrinkObjective(objective: ConfigInput["objective"]): ConfigInput["objective"] {
  const sizes = Object.entries(HEADS[objective.name] ?? {}).filter(([key]) => key in objective);
  return { ...objective, ...Object.fromEntries(sizes) } as ConfigInput["objective"];
}

/** Both texts with every size scaled alike, so that pictures come out with the side above, or less. */
function shrinkPreprocess({ train, eval: evaluation }: ConfigInput["preprocess"]) {
  const last = [...evaluation.matchAll(SIZED)].at(-1)?.[2];
  const factor = Math.min(1, SIDE / Number(last ?? SIDE));
  const shrink = (text: string): string =>
    text.replaceAll(
      SIZED,
      (_, name: string, size: string) =>
        `${name}(${Math.max(LEAST, Math.ceil(Number(size) * factor))}`,
    );
  return { train: shrink(train), eval: shrink(evaluation) };
}

/** A schedule within two steps. */
function shrinkSchedule(schedule: unknown): unknown {
  if (Array.isArray(schedule)) {
    return schedule.map(([pattern, one]: [string, unknown]) => [pattern, shrinkSchedule(one)]);
  }
  if (schedule === null || schedule === undefined) return schedule;
  const short = Object.entries(schedule).map(([key, value]: [string, unknown]) => [
    key,
    key === "warmup" || key === "cooldown" ? { steps: 1 } : value,
  ]);
  return Object.fromEntries(short) as unknown;
}

/**
 * A recipe of two steps of four digits: model, resolution, batch and schedule shrink, MNIST stands for data that is not
 * here, and everything else stays.
 */
export function miniature(recipe: Omit<ConfigInput, "data">): ConfigInput {
  const { model, optimizer, preprocess, accumulate = 1 } = recipe;
  const isDrawn = (recipe as ConfigInput).data?.name === "composites";
  const [judged = isDrawn ? { type: "segmentation" as const } : undefined] = Object.values(
    recipe.evals ?? {},
  );
  return {
    ...recipe,
    data: isDrawn ? { name: "composites", size: SIDE, count: 64 } : { name: "mnist" },
    split: "train[:64]",
    preprocess: KEEPS_SIDE.has(model.name) ? preprocess : shrinkPreprocess(preprocess),
    batchSize: 4,
    accumulate: Math.min(accumulate, 2),
    objective: shrinkObjective(recipe.objective),
    ...(recipe.unlabelled && {
      unlabelled: { ...recipe.unlabelled, split: "train[64:128]", batchSize: 4 },
    }),
    duration: { steps: 2 },
    model: shrinkModel(model),
    optimizer: {
      ...optimizer,
      ...(optimizer.schedule && { schedule: shrinkSchedule(optimizer.schedule) }),
    } as ConfigInput["optimizer"],
    evals: { test: { ...judged, split: "test[:8]", every: undefined } },
    log: { steps: 1 },
    checkpoint: {},
  };
}

/** The paths of the objects of a recipe in which a key that nothing reads would stand; lists are left out. */
export function objectPaths(recipe: Json, path: readonly string[] = []): string[][] {
  const below = Object.entries(recipe).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value) && key !== "evals"
      ? objectPaths(value as Json, [...path, key])
      : [],
  );
  return [[...path], ...below];
}

/** A recipe with a value put at a path. */
export function withValue(recipe: Json, [key, ...rest]: readonly string[], value: unknown): Json {
  const inner = (recipe[key] ?? {}) as Json;
  return { ...recipe, [key]: rest.length > 0 ? withValue(inner, rest, value) : value };
}
