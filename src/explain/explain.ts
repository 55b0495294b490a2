/** @file Explanations of a classifier's answers: maps over pictures, as PNG files. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { imageStem, readImage } from "../data/readers/images.ts";
import { decodeImage } from "../data/decode/decode.ts";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { openEngine } from "../engines/select.ts";
import { OcelliError, unknownName } from "../errors.ts";
import { type Pooling, attentionMap, gradCamMap, rolloutMap } from "../evaluate/explain.ts";
import {
  type HostArray,
  type Tensor,
  argMax,
  hostArray,
  indexAxis,
  less,
  mean,
  mul,
  oneHot,
  reduceSum,
  select,
  toNumbers,
  trace,
} from "../graph/index.ts";
import { apply } from "../nn/index.ts";
import type { ExplainMethod } from "../evaluate/explain-methods.ts";
import { collate } from "../preprocess/collate.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import { writeAtomically } from "../files.ts";
import { seededRandom } from "../random.ts";
import { disposeTree, uploadTree } from "../served/device-trees.ts";
import {
  type ModelTensors,
  type TrainedModel,
  type TrainedOptions,
  openTrained,
  imageSpec,
} from "../served/trained.ts";
import type { Ranked } from "../tasks/index.ts";
import { overlay } from "./overlay.ts";
import { unrolled } from "./unroll.ts";
import { lossOf } from "../tasks/classification.ts";

/** Options of {@link explain}. */
export interface ExplainOptions extends TrainedOptions {
  /** Default: "grad-cam". */
  readonly method?: ExplainMethod;
  /** The class that Grad-CAM looks for. Default: the surest of each picture. */
  readonly class?: string;
  /** Whether each head of the last layer gets a picture of its own, instead of their mean. */
  readonly heads?: boolean;
  /** The folder of the pictures. */
  readonly out: string;
  readonly engine?: string;
}

/** What was made of a picture. */
export interface Explained {
  readonly image: string;
  /** The class that the map is for, or that the model is surest of. */
  readonly class: string;
  readonly probability: number;
  /** Classes, the surest first. */
  readonly ranked: readonly Ranked[];
  /** What was written. */
  readonly files: readonly string[];
}

/**
 * Explains a classifier's answers to images, one after the other: files, addresses, or `-` for standard input.
 *
 * @throws an argument error where the method does not suit the model
 * @example
 * for await (const { files } of explain("runs/pets", ["cat.jpg"], { out: "explained" })) console.log(files);
 */
export async function* explain(
  spec: string,
  paths: readonly string[],
  options: ExplainOptions,
): AsyncGenerator<Explained, void> {
  const { method = "grad-cam", heads = false, out } = options;
  if (method !== "grad-cam" && options.class !== undefined) {
    throw new OcelliError("argument", `${method} is of the whole answer, not of one class.`, {
      hint: "Use grad-cam with a class.",
    });
  }
  if (heads && method !== "attention") {
    throw new OcelliError("argument", `${method} has no heads; attention has.`);
  }
  const trained = await openClassifier(spec, options);
  const { task, names } = trained.card;
  const classes = names.label;
  const wanted = options.class === undefined ? -1 : classes.indexOf(options.class);
  if (options.class !== undefined && wanted < 0) {
    throw unknownName(`class of ${spec}`, options.class, classes, "argument");
  }
  const preprocessing = parsePreprocessing(trained.card.preprocessing);
  const program = explaining(trained, method, heads);
  checkMethod(trained, program, spec);
  await mkdir(out, { recursive: true });
  const engine = await openEngine(options.engine);
  try {
    const arrays = await uploadTree(engine, {
      params: trained.params,
      variables: trained.variables,
    });
    const run = jit(engine, function explainImage(weights: ModelTensors, image: Tensor, k: Tensor) {
      const { logits, maps } = program(weights, preprocessing.onDevice({ image }).image, k);
      return { probabilities: lossOf(task).probabilities(logits), maps };
    });
    const taken = new Set<string>();
    for (const path of paths) {
      const { alpha } = preprocessing;
      const decoded = await decodeImage(await readImage(path), { name: path, alpha });
      const seen = preprocessing.onHost({ image: decoded }, seededRandom("prediction"));
      const { image } = collate([seen], 1);
      const result = await run(arrays, image, hostArray([1], "int32", Int32Array.of(wanted)));
      const { probabilities, maps } = result as unknown as Record<string, DeviceArray>;
      const row = toNumbers(await probabilities.read()); // [classes]
      const map = await maps.read(); // [heads, rows, columns]
      disposeTree({ probabilities, maps });
      const ranked = classes
        .map((name, k): Ranked => ({ name, score: row[k] }))
        .sort((a, b) => b.score - a.score);
      const { name, score } =
        wanted < 0 ? ranked[0] : { name: classes[wanted], score: row[wanted] };
      const stem = freeName(join(out, `${imageStem(path)}.${method}`), taken);
      const files: string[] = [];
      for (const [head, part] of slices(map).entries()) {
        const file = heads ? `${stem}.head${head}.png` : `${stem}.png`;
        await writeAtomically(file, [await overlay(seen.image, part)]);
        files.push(file);
      }
      yield { image: path, class: name, probability: score, ranked, files };
    }
    disposeTree(arrays);
  } finally {
    await engine.dispose();
  }
}

/** The classifier that a name means, with its layers apart; an argument error for a model of another task. */
async function openClassifier(spec: string, options: TrainedOptions): Promise<TrainedModel> {
  if (/\.onnx$/i.test(spec)) {
    throw new OcelliError("argument", `${spec} holds only the way to its answers.`, {
      hint: "Give the run that it was exported from.",
    });
  }
  const trained = await openTrained(spec, options);
  if (trained.card.task.name === "classification") return unrolled(trained);
  throw new OcelliError("argument", `${spec} has no classifier to be explained.`, {
    hint: "Train one on it with ocelli transfer, and give that run.",
  });
}

type Program = (
  weights: ModelTensors,
  image: Tensor,
  wanted: Tensor,
) => { logits: Tensor; maps: Tensor };

/** From one prepared image and a class, int32 [1] (−1: the surest), to logits [1, classes] and maps [n, rows, columns]. */
const explaining =
  ({ model, card }: TrainedModel, method: ExplainMethod, heads: boolean): Program =>
  (weights, image, wanted) => {
    const [logits, out] = apply(model, weights, image).result;
    const pooling = poolingOf(card.model);
    switch (method) {
      case "attention": {
        const each = attentionMap(out, pooling); // [1, heads, rows, columns]
        return { logits, maps: heads ? indexAxis(each, 0, 0) : mean(each, 1) };
      }
      case "rollout":
        return { logits, maps: rolloutMap(out, pooling) };
      case "grad-cam": {
        const chosen = select(less(wanted, 0), argMax(logits, 1), wanted);
        const scores = reduceSum(mul(logits, oneHot(chosen, logits.shape[1])), 1);
        return { logits, maps: gradCamMap(scores, out, pooling) };
      }
    }
  };

const poolingOf = ({ poolType }: Readonly<Record<string, unknown>>): Pooling =>
  (poolType as Pooling | undefined) ?? "gap";

/** Traces the program once, so that what does not suit is told before anything is opened. */
function checkMethod({ params, variables, card }: TrainedModel, program: Program, spec: string) {
  const wanted = { shape: [1], dtype: "int32" } as const;
  try {
    trace(program, { params, variables }, imageSpec(card), wanted);
  } catch (error) {
    if (!(error instanceof OcelliError) || error.code !== "argument") throw error;
    const message = error.message.replace("the model", `${spec} (${card.model.name})`);
    throw new OcelliError("argument", message, { valid: error.valid });
  }
}

/** [n, rows, columns] as n maps. */
function slices({ shape: [count, ...shape], data }: HostArray): HostArray[] {
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) =>
    hostArray(shape, "float32", Float32Array.from(data.subarray(i * size, (i + 1) * size), Number)),
  );
}

/** A name that no other picture of this call has. */
function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name}-${i}`;
  taken.add(free);
  return free;
}
