/** @file Explanations of a classifier's answers: maps over pictures, as PNG files. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freeName, imageStem, readImage } from "../data/readers/images.ts";
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
import type { AlphaRule } from "../preprocess/alpha.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import { writeAtomically } from "../files.ts";
import { seededRandom } from "../random.ts";
import { disposeTree, uploadTree } from "../served/device-trees.ts";
import type { ModelTensors, TrainedModel } from "../served/outputs.ts";
import { type TrainedOptions, openTrained, imageSpec } from "../served/trained.ts";
import type { Ranked } from "../tasks/index.ts";
import { original, overlay } from "./overlay.ts";
import { type PageEntry, writeExplainPage } from "./page.ts";
import { unrolled } from "./unroll.ts";
import { lossOf } from "../tasks/classification.ts";

/** Images on the page, at most: it holds their pictures. */
const SHOWN = 200;

/** The page in the folder of pictures. */
export const PAGE = "explanations.html";

/** Options of {@link explain}. */
export interface ExplainOptions extends ExplainerOptions {
  /** The class that Grad-CAM looks for. Default: the surest of each picture. */
  readonly class?: string;
  /** The folder of the pictures. */
  readonly out: string;
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

/** Which maps an explainer makes, of which model. */
export interface ExplainerOptions extends TrainedOptions {
  /** Default: "grad-cam". */
  readonly method?: ExplainMethod;
  /** Whether each head of the last layer gets a map of its own, instead of their mean. */
  readonly heads?: boolean;
  readonly engine?: string;
}

/** An answer with where it comes from. */
export interface Explanation {
  /** The class that the map is for, or that the model is surest of. */
  readonly class: string;
  readonly probability: number;
  /** Classes, the surest first. */
  readonly ranked: readonly Ranked[];
  /** A PNG file of the picture alone, as the model sees it. */
  readonly original: Uint8Array;
  /** PNG files of the maps over the picture: one, or one for each head. */
  readonly pictures: readonly Uint8Array[];
}

/** A classifier that explains its answers. It owns memory until it is disposed. */
export interface Explainer {
  /** What becomes of transparent parts where images are decoded. */
  readonly alpha: AlphaRule;
  /**
   * Explains the answer for an image, uint8 [height, width, channels] of any size.
   *
   * @param wanted the class that Grad-CAM looks for; default: the surest
   * @throws an argument error for a class that the model does not have, or where the method knows no classes
   */
  explain(image: HostArray, wanted?: string): Promise<Explanation>;
  /** The same for an image that has been through the host's part of the preprocessing. */
  explainPrepared(image: HostArray, wanted?: string): Promise<Explanation>;
  dispose(): Promise<void>;
}

/**
 * Opens a classifier to explain its answers.
 *
 * @throws an argument error where the method does not suit the model
 */
export async function openExplainer(
  spec: string,
  { method = "grad-cam", heads = false, engine: engineName, ...options }: ExplainerOptions = {},
): Promise<Explainer> {
  if (heads && method !== "attention") {
    throw new OcelliError("argument", `${method} has no heads; attention has.`);
  }
  const trained = await openClassifier(spec, options);
  const { task, names } = trained.card;
  const classes = names.label;
  const preprocessing = parsePreprocessing(trained.card.preprocessing);
  const program = explaining(trained, method, heads);
  checkMethod(trained, program, spec);
  const engine = await openEngine(engineName);
  const arrays = await uploadTree(engine, {
    params: trained.params,
    variables: trained.variables,
  });
  const run = jit(engine, function explainImage(weights: ModelTensors, image: Tensor, k: Tensor) {
    const { logits, maps } = program(weights, preprocessing.onDevice({ image }).image, k);
    return { probabilities: lossOf(task).probabilities(logits), maps };
  });
  async function explainPrepared(seen: HostArray, wanted?: string): Promise<Explanation> {
    if (method !== "grad-cam" && wanted !== undefined) {
      throw new OcelliError("argument", `${method} is of the whole answer, not of one class.`, {
        hint: "Use grad-cam with a class.",
      });
    }
    const index = wanted === undefined ? -1 : classes.indexOf(wanted);
    if (wanted !== undefined && index < 0) {
      throw unknownName(`class of ${spec}`, wanted, classes, "argument");
    }
    const { image } = collate([{ image: seen }], 1);
    const result = await run(arrays, image, hostArray([1], "int32", Int32Array.of(index)));
    const { probabilities, maps } = result as unknown as Record<string, DeviceArray>;
    const row = toNumbers(await probabilities.read()); // [classes]
    const map = await maps.read(); // [heads, rows, columns]
    disposeTree({ probabilities, maps });
    const ranked = classes
      .map((name, k): Ranked => ({ name, score: row[k] }))
      .sort((a, b) => b.score - a.score);
    const { name, score } = index < 0 ? ranked[0] : { name: classes[index], score: row[index] };
    const pictures: Uint8Array[] = [];
    for (const part of slices(map)) pictures.push(await overlay(seen, part));
    return { class: name, probability: score, ranked, original: await original(seen), pictures };
  }
  return {
    alpha: preprocessing.alpha,
    explainPrepared,
    explain: async (given, wanted) =>
      explainPrepared(
        preprocessing.onHost({ image: given }, seededRandom("prediction")).image,
        wanted,
      ),
    async dispose() {
      disposeTree(arrays);
      await engine.dispose();
    },
  };
}

/**
 * Explains a classifier's answers to images, one after the other: files, addresses, or `-` for standard input. Beside the
 * pictures of each, `explanations.html` shows them all with their originals, classes and scores, once the last one is done.
 *
 * @throws an argument error where the method does not suit the model
 * @example
 * for await (const { files } of explain("runs/pets", ["cat.jpg"], { out: "explained" })) console.log(files);
 */
export async function* explain(
  spec: string,
  paths: readonly string[],
  { out, class: wanted, ...options }: ExplainOptions,
): AsyncGenerator<Explained, void> {
  const { method = "grad-cam", heads = false } = options;
  const explainer = await openExplainer(spec, options);
  try {
    const taken = new Set<string>();
    const entries: PageEntry[] = [];
    for (const path of paths) {
      const { alpha } = explainer;
      const decoded = await decodeImage(await readImage(path), { name: path, alpha });
      const { pictures, original: seen, ...found } = await explainer.explain(decoded, wanted);
      const stem = freeName(join(out, `${imageStem(path)}.${method}`), taken);
      const files: string[] = [];
      await mkdir(out, { recursive: true });
      for (const [head, picture] of pictures.entries()) {
        const file = heads ? `${stem}.head${head}.png` : `${stem}.png`;
        await writeAtomically(file, [picture]);
        files.push(file);
      }
      if (entries.length < SHOWN) entries.push({ image: path, ...found, original: seen, pictures });
      yield { image: path, ...found, files };
    }
    await writeExplainPage(join(out, PAGE), { spec, method, entries, count: paths.length });
  } finally {
    await explainer.dispose();
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
