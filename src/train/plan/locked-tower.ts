/** @file A locked image tower whose embeddings are computed once: when that is sound, and what training then reads. */

import type { Config } from "../../config/config.ts";
import { decodeImage } from "../../data/decode/decode.ts";
import type { Source } from "../../data/source.ts";
import { isEncoded } from "../../data/stream/examples.ts";
import { OcelliError } from "../../errors.ts";
import { type Spec, Tensor } from "../../graph/index.ts";
import { type FieldArrays, type ModelCard, fieldsTaken } from "../../models/index.ts";
import { type Params, type Scope, modelSpecs } from "../../nn/index.ts";
import type { BatchSpec, Objective } from "../../objectives/index.ts";
import type { Optimizer } from "../../optim/index.ts";
import type { Example } from "../../preprocess/example.ts";
import { imageOf } from "../../preprocess/image.ts";
import { type Preprocessing, parsePreprocessing } from "../../preprocess/pipeline.ts";
import { textsApart } from "../../preprocess/texts-apart.ts";
import { type Random, seededRandom } from "../../random.ts";
import { type TaskModel, wholeModel } from "../../tasks/index.ts";
import { toFlat } from "../../tree.ts";

/** The field of an image's embedding, and the parameters that make it of an image. */
export const EMBEDDING = "zimg";
export const TOWER = "img";

/** What training reads in place of images. */
export interface LockedTower {
  /** What is done to images before they are embedded. */
  readonly images: Preprocessing;
  /** What is done to texts. */
  readonly texts: Preprocessing;
  readonly batchSpec: BatchSpec;
  /** The objective on embeddings in the place of images; it owns the tower's arrays all the same. */
  readonly objective: Objective;
}

/** What it is planned from. */
interface Given {
  readonly task: TaskModel;
  readonly card: Pick<ModelCard, "model">;
  readonly source: Source;
  readonly objective: Objective;
  readonly optimizer: Pick<Optimizer, "trainable">;
  /** A batch of the training with images. */
  readonly batchSpec: BatchSpec;
}

/**
 * What a training of two towers reads whose image tower is locked.
 *
 * @throws a configuration error where images have no embeddings that stay the same
 */
export async function planLocked(
  { preprocess, balance }: Pick<Config, "preprocess" | "balance">,
  { task, card, source, objective, optimizer, batchSpec }: Given,
): Promise<LockedTower> {
  const { name } = card.model;
  if (!fieldsTaken(name).includes(EMBEDDING)) {
    throw refused(`${name} has no image tower of its own`, "It is for two-towers.");
  }
  if (balance !== undefined) throw refused("balance needs labels", "Leave balance out.");
  const model = wholeModel(task);
  let width = 0;
  const specs = modelSpecs(
    (scope: Scope, fields: FieldArrays) => {
      const [output, out] = model(scope, fields);
      width = toFlat<Tensor>(out)[EMBEDDING].shape[1];
      return [output, out];
    },
    { image: batchSpec.image },
  );
  const owned = Object.entries(toFlat<Spec>(specs.params)).map(([key, spec]) => {
    return [key, new Tensor(spec)] as const;
  });
  const moving = Object.keys(optimizer.trainable(Object.fromEntries(owned)));
  const moved = moving.find((key) => key.startsWith(`${TOWER}/`));
  if (moved !== undefined) {
    const hint = `Lock it: optimizer.schedule [["${TOWER}/.*", null], [".*", …]].`;
    throw refused(`the image tower is trained (${moved})`, hint);
  }
  const apart = textsApart(preprocess.train);
  const images = parsePreprocessing(apart.others);
  if (source.length > 0 && (await isRandom(images, await source.read(0)))) {
    throw refused(
      `preprocess.train changes images anew each time ("${apart.others}")`,
      "Leave its random operations out.",
    );
  }
  const [batch] = batchSpec.image.shape;
  const { text, mask } = batchSpec;
  return {
    images,
    texts: parsePreprocessing(apart.texts),
    batchSpec: { [EMBEDDING]: { shape: [batch, width], dtype: "float32" }, text, mask },
    objective: onEmbeddings(objective, batchSpec),
  };
}

const refused = (why: string, hint: string): OcelliError =>
  new OcelliError("config", `cacheEmbeddings cannot keep embeddings of images: ${why}.`, { hint });

/** Whether the host's operations draw random numbers for an example. */
async function isRandom(preprocessing: Preprocessing, { image }: Example): Promise<boolean> {
  let isDrawn = false;
  const random = seededRandom("locked");
  const noticed = <Args extends number[]>(draw: (...args: Args) => number) => {
    return (...args: Args): number => {
      isDrawn = true;
      return draw(...args);
    };
  };
  const watched: Random = {
    bits: noticed(() => random.bits()),
    uniform: noticed(() => random.uniform()),
    integer: noticed((low, high) => random.integer(low, high)),
  };
  const pixels = isEncoded({ image })
    ? await decodeImage(image.data as Uint8Array, { alpha: preprocessing.alpha })
    : imageOf("cacheEmbeddings", image);
  preprocessing.onHost({ image: pixels }, watched);
  return isDrawn;
}

/** An objective whose loss reads embeddings, and no array of the tower that made them. */
function onEmbeddings(objective: Objective, whole: BatchSpec): Objective {
  const without = ({ [TOWER]: _, ...rest }: Params): Params => rest;
  return {
    ...objective,
    init: (key, _, given) => objective.init(key, whole, given),
    stacked: () => objective.stacked(whole),
    loss(inputs) {
      const { params, variables } = inputs;
      const read = { ...inputs, params: without(params), variables: without(variables) };
      const result = objective.loss(read);
      return { ...result, variables: { ...variables, ...result.variables } };
    },
  };
}
