/** @file The embeddings of a locked image tower: computed once, kept in the cache folder, and read in place of images. */

import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { type Source, selectSource } from "../data/source.ts";
import { evaluationBatches } from "../data/stream/batches.ts";
import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import { shardBatch } from "../engines/mesh.ts";
import { OcelliError } from "../errors.ts";
import { diskError, writeAtomically } from "../files.ts";
import { bytesOf } from "../formats/bytes.ts";
import { readSafetensors, safetensorsChunks } from "../formats/safetensors.ts";
import { type HostArray, type Tensor, hostArray } from "../graph/index.ts";
import { cacheFolder } from "../packages/cache.ts";
import { pruneFolder, touch } from "../packages/prune.ts";
import type { DeviceFeatures } from "../preprocess/operation.ts";
import { packageVersion } from "../runs/environment.ts";
import { disposeTree, readTree, uploadTree } from "../served/device-trees.ts";
import { type ModelTensors, outputsOf } from "../served/outputs.ts";
import { toFlat } from "../tree.ts";
import { EMBEDDING, type LockedTower, TOWER } from "./plan/locked-tower.ts";
import type { Plan } from "./plan/plan.ts";
import { type DeviceState, type Loading, servedArrays } from "./programs.ts";
import type { Journal } from "./watch/journal.ts";

/** All that is kept together; what was not used for longest goes first. */
const CACHE_BYTES = 2 ** 33;

/** What embeddings are computed by. */
interface Embedding {
  readonly config: Config;
  readonly plan: Plan;
  readonly engine: Engine;
  readonly journal: Pick<Journal, "line">;
  readonly loading: Loading;
}

/** The embeddings of the images of a source that could be read. */
interface Embeddings {
  /** Which examples they are of. */
  readonly indices: readonly number[];
  /** float32 [indices, width] */
  readonly zimg: HostArray;
}

/** The training's examples with the embeddings of their images in the place of these. */
export async function embeddedSource(
  session: Embedding,
  { images }: LockedTower,
  state: DeviceState,
): Promise<Source> {
  const { engine, plan, journal } = session;
  if (engine.part) {
    throw new OcelliError("config", "cacheEmbeddings is for one process.", {
      hint: "Leave it out where several train together.",
    });
  }
  const { source } = plan;
  const file = join(
    cacheFolder("embeddings"),
    `${await keyOf(session, images.text, state)}.safetensors`,
  );
  const known = await readKept(file);
  if (known) {
    await touch(file);
    const { length } = known.indices;
    journal.line(`the embeddings of ${length} images come from ${file}`);
    const left = source.length - length;
    if (left > 0) journal.line(`${left} other images could not be read when they were computed`);
  }
  const found = known ?? (await compute(session, images, state));
  if (!known) {
    const { length } = found.indices;
    try {
      await mkdir(cacheFolder("embeddings"), { recursive: true });
      const indices = hostArray([length], "int32", Int32Array.from(found.indices));
      await writeAtomically(file, safetensorsChunks({ zimg: found.zimg, indices }, {}));
      await pruneFolder(cacheFolder("embeddings"), CACHE_BYTES, file);
      journal.line(`the embeddings of ${length} images are computed, and kept in ${file}`);
    } catch (error) {
      const why = diskError(file, error);
      if (!(why instanceof OcelliError)) throw why;
      journal.line(`the embeddings of ${length} images are computed, and not kept: ${why.message}`);
    }
  }
  return withEmbeddings(source, found);
}

/** A source whose examples have embeddings and texts. */
function withEmbeddings(source: Source, { indices, zimg }: Embeddings): Source {
  const [, width] = zimg.shape;
  const some =
    indices.length === source.length ? source : selectSource(source, Uint32Array.from(indices));
  const embedding = (index: number): HostArray =>
    hostArray(
      [width],
      "float32",
      (zimg.data as Float32Array).slice(index * width, (index + 1) * width),
    );
  return {
    ...{ length: some.length, names: {}, id: some.id },
    fields: { [EMBEDDING]: "array", text: "text" },
    async read(index) {
      const text = some.held?.text?.(index) ?? (await some.read(index)).text;
      return { [EMBEDDING]: embedding(index), text };
    },
  };
}

/** What decides embeddings to the last digit: the tower, how images are prepared and computed, and their bytes. */
async function keyOf(
  { config, engine, plan: { source, card, objective } }: Embedding,
  preprocessing: string,
  state: DeviceState,
): Promise<string> {
  const { model } = card;
  const { batchSize, onBadImage } = config;
  const parts = [packageVersion(), engine.name, model, preprocessing, batchSize, onBadImage];
  const hash = createHash("sha256").update(JSON.stringify(parts));
  const { params, variables } = servedArrays(state, objective);
  for (const arrays of [params, variables]) {
    const tower = (arrays as Readonly<Record<string, typeof arrays>>)[TOWER];
    if (tower === undefined) continue;
    for (const [name, array] of Object.entries(toFlat<HostArray>(await readTree(tower as never)))) {
      hash.update(`\0${name}[${array.shape.join()}]`).update(bytesOf(array));
    }
  }
  for (let index = 0; index < source.length; index++) {
    const { image } = await source.read(index);
    hash.update(`\0${source.id(index)}[${image.shape.join()}]`).update(bytesOf(image));
  }
  return hash.digest("hex");
}

async function compute(
  { config, engine, plan, loading }: Embedding,
  preprocessing: LockedTower["images"],
  state: DeviceState,
): Promise<Embeddings> {
  const { source, task, objective } = plan;
  const arrays = servedArrays(state, objective);
  const embed = jit(engine, function embeddings(given: ModelTensors, raw: DeviceFeatures): Tensor {
    const { image } = preprocessing.onDevice(raw);
    return outputsOf(task, given, { image }).out[EMBEDDING];
  });
  const { batchSize } = config;
  const images: Source = {
    ...{ length: source.length, fields: { image: source.fields.image }, names: {}, id: source.id },
    read: async (index) => ({ image: (await source.read(index)).image }),
  };
  const indices: number[] = [];
  let all = new Float32Array();
  let width = 0;
  for await (const batch of evaluationBatches(images, {
    ...loading,
    ...{ batchSize, preprocessing, seed: config.seed },
  })) {
    const { image } = batch.features;
    const uploaded = await uploadTree(engine, { image }, shardBatch(engine.mesh, batchSize));
    const made = (await embed(arrays as never, uploaded as never)) as DeviceArray;
    const { shape, data } = await made.read();
    disposeTree([made, uploaded]);
    if (indices.length === 0) all = new Float32Array(source.length * (width = shape[1]));
    for (const [row, index] of batch.indices.entries()) {
      if (index < 0) continue;
      const vector = (data as Float32Array).subarray(row * width, (row + 1) * width);
      all.set(vector, indices.length * width);
      indices.push(index);
    }
  }
  const { length } = indices;
  return { indices, zimg: hostArray([length, width], "float32", all.subarray(0, length * width)) };
}

/** Embeddings from their file; undefined where it is absent or damaged. */
async function readKept(file: string): Promise<Embeddings | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  if (!bytes) return undefined;
  try {
    const { zimg, indices } = readSafetensors(bytes).tensors;
    return { zimg, indices: [...(indices.data as Int32Array)] };
  } catch {
    return undefined;
  }
}
