/** @file The second stream of a training: images without labels, with preprocessing and batches of their own. */

import type { Config } from "../../config/config.ts";
import { openDataset } from "../../data/datasets.ts";
import { type Source, imagesOf } from "../../data/source.ts";
import { type SliceRule, openSplit } from "../../data/splits/splits.ts";
import { type Mesh, shardBatch } from "../../engines/mesh.ts";
import { OcelliError } from "../../errors.ts";
import { type BatchSpec, OBJECTIVES, objectiveDefinition } from "../../objectives/index.ts";
import { besideFields, streamsOf } from "../../preprocess/beside.ts";
import type { DeviceFeatures } from "../../preprocess/operation.ts";
import type { Preprocessing } from "../../preprocess/pipeline.ts";
import { batchSpecOf } from "./batch-spec.ts";

/** A second stream, planned. */
export interface Unlabelled {
  readonly source: Source;
  /** What the sources of a run call it. */
  readonly name: string;
  readonly preprocessing: Preprocessing;
  readonly batchSize: number;
  readonly spec: BatchSpec;
}

/** What the planning of a second stream takes. */
interface Planning {
  readonly open: (split: string) => Promise<Source>;
  readonly parse: (text: string) => Preprocessing;
  readonly mesh: Mesh | undefined;
  readonly slices: SliceRule;
  readonly note: (line: string) => void;
}

/**
 * Opens the second stream; undefined where none is configured.
 *
 * @throws a configuration error where the objective takes none, or needs one that is not configured; data errors
 */
export async function planUnlabelled(
  config: Config,
  { open, parse, mesh, slices, note }: Planning,
): Promise<Unlabelled | undefined> {
  const { unlabelled: given, objective, accumulate } = config;
  const { takesUnlabelled = false } = objectiveDefinition(objective.name);
  if (given === undefined) {
    if (!takesUnlabelled) return undefined;
    throw new OcelliError("config", `the objective ${objective.name} needs unlabelled images.`, {
      hint: 'Name them as unlabelled, such as { split: "train" }, or { data: { name: "folder", dir: "more" }, split: "train" }.',
    });
  }
  if (!takesUnlabelled) {
    const able = OBJECTIVES.filter((one) => one.takesUnlabelled).map(({ name }) => name);
    throw new OcelliError("config", `the objective ${objective.name} takes no unlabelled images.`, {
      given: objective.name,
      valid: able,
      hint: `They are for ${able.join(", ")}.`,
    });
  }
  const { data, split, preprocess = config.preprocess.train, batchSize = config.batchSize } = given;
  if (batchSize % accumulate !== 0) {
    throw new OcelliError(
      "config",
      `an unlabelled.batchSize of ${batchSize} does not divide into ${accumulate} parts (accumulate).`,
    );
  }
  shardBatch(mesh, batchSize); // an error where it does not divide
  const whole = data
    ? await openSplit(await openDataset(data, { labels: "optional" }), split, { slices, note })
    : await open(split);
  const source = imagesOf(whole);
  const preprocessing = parse(preprocess);
  const spec = await batchSpecOf(source, preprocessing, batchSize, "unlabelled.preprocess");
  return { source, name: `unlabelled: ${split}`, preprocessing, batchSize, spec };
}

/** The specs of a step of both streams. @throws a configuration error where their images are of several sizes */
export function bothSpecs(own: BatchSpec, unlabelled: Unlabelled | undefined): BatchSpec {
  if (!unlabelled) return own;
  const [first, second] = [own, unlabelled.spec].map(({ image }) => String(image.shape.slice(1)));
  if (first === second) return { ...own, ...besideFields(unlabelled.spec) };
  throw new OcelliError(
    "config",
    `preprocess.train gives images of [${first}], unlabelled.preprocess of [${second}].`,
  );
}

/** A preprocessing whose part on the device prepares both streams, each by its own. */
export function bothOnDevice(
  own: Preprocessing,
  unlabelled: Unlabelled | undefined,
): Preprocessing {
  if (!unlabelled) return own;
  return {
    ...own,
    onDevice(batch) {
      const parts = streamsOf(batch);
      const second = unlabelled.preprocessing.onDevice(parts.unlabelled as DeviceFeatures);
      return {
        ...own.onDevice(parts.own as DeviceFeatures),
        ...besideFields(second),
      } as DeviceFeatures;
    },
  };
}
