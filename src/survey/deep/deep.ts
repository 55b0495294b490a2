/** @file What a model's features say of a data set: pictures that are nearly the same, leaks, labels that are likely wrong, outliers. */

import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Dataset } from "../../data/source.ts";
import { ownSplits } from "../../data/splits/hashed.ts";
import { createWorkerPool } from "../../data/stream/workers.ts";
import { openEngine } from "../../engines/select.ts";
import { cpuBudget } from "../../engines/threads.ts";
import { bytesOf } from "../../formats/bytes.ts";
import { type HostArray, hostArray } from "../../graph/index.ts";
import type { PublishedOptions } from "../../served/published.ts";
import { centredRows, unitRows } from "../../transfer/alike.ts";
import { openBackbone } from "../../transfer/backbone.ts";
import { rowsOf } from "../../transfer/classification/select.ts";
import { type FeatureCache, createExtractor, imageFeatures } from "../../transfer/features.ts";
import { LISTED, type Member, type Members, type Same, sameOf } from "../members.ts";
import { doubtfulLabels } from "./doubtful.ts";
import { nearestRows } from "./nearest.ts";

/** Options of {@link deepSurvey}. */
export interface DeepOptions
  extends Pick<PublishedOptions, "architecture" | "preprocessing" | "use">, FeatureCache {
  /** What gives features. Default: `efficientnet-lite0`. */
  readonly model?: string;
  /** The least cosine of features that are nearly the same. Default: 0.85. */
  readonly alike?: number;
  readonly engine?: string;
  /** Pictures computed together. Default: 16. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly progress?: (done: number, total: number) => void;
}

/** A picture whose label is likely wrong. */
export interface DoubtfulLabel {
  readonly member: Member;
  readonly suggested: string;
  /** The probability of the suggested class, and of the label's. */
  readonly probability: number;
  readonly own: number;
}

/** What features say. Lists hold the first hundreds; counts are of all. */
export interface DeepFacts {
  readonly model: string;
  /** Pictures that were compared. */
  readonly compared: number;
  /** False where there were too many, so that some were compared, spread evenly. */
  readonly isWhole: boolean;
  /** Pairs whose features are nearly the same; those of equal bytes are left out. */
  readonly alike: Same<{ readonly pair: readonly [Member, Member]; readonly likeness: number }> & {
    /** Their least cosine. */
    readonly least: number;
    /** False where there were too many pairs to count: these are the most alike. */
    readonly isWhole: boolean;
  };
  /** Absent where pictures have no labels of one class each, or fewer than two classes have two. */
  readonly doubtful?: {
    readonly count: number;
    readonly judged: number;
    /** The share of labels that the classifier agrees with. */
    readonly agreement: number;
    readonly listed: readonly DoubtfulLabel[];
  };
  /** Pictures unlike all others, the most unlike first. */
  readonly outliers: Members;
  readonly seconds: number;
}

const ALIKE = 0.85;
/** Pictures that are compared each with each, at most: 400 million comparisons. */
const COMPARED = 20_000;
/** How many nearest pictures an outlier is far from. */
const NEAREST = 10;
/** Fewer pictures than this have no outliers: quartiles of so few say nothing. */
const FEW = 40;

/** A picture that could be read. */
interface Seen {
  readonly member: Member;
  /** Its class; undefined where it has none, or several. */
  readonly label: number | undefined;
  readonly digest: string;
}

/**
 * Looks at a data set by the features of a model.
 *
 * @throws the errors of opening model and data; the signal's reason
 */
export async function deepSurvey(
  dataset: Dataset,
  { model = "efficientnet-lite0", alike: least = ALIKE, ...options }: DeepOptions = {},
): Promise<DeepFacts> {
  const began = performance.now();
  const backbone = await openBackbone(model, options);
  const engine = await openEngine(options.engine);
  const pause = async (): Promise<void> => {
    await setImmediate();
    options.signal?.throwIfAborted();
  };
  try {
    const extractor = await createExtractor(engine, backbone);
    const all = await seePictures(dataset, extractor, options).finally(() =>
      extractor[Symbol.dispose](),
    );
    const { seen, features, isWhole } = all;
    const isPair = (a: number, b: number): boolean => seen[a].digest !== seen[b].digest;
    const wanted = { least, count: 0, isPair };
    const near = await nearestRows(engine, centredRows(features), wanted, pause);
    const { classes } = all;
    const labelled = [...seen.keys()].filter((row) => seen[row].label !== undefined);
    const judged = labelled.map((row) => seen[row].label!);
    const repeated = [...Map.groupBy(judged, (label) => label)].filter(
      ([, { length }]) => length > 1,
    );
    const doubts =
      repeated.length < 2
        ? undefined
        : await doubtfulLabels(
            engine,
            rowsOf({ features, labels: seen.map(({ label = -1 }) => label) }, labelled),
            classes.length,
            pause,
          );
    const among = { least: Infinity, count: NEAREST }; // with their mean, which is what is usual here
    const { distances } = await nearestRows(engine, unitRows(features), among, pause);
    return {
      model,
      compared: seen.length,
      isWhole,
      alike: {
        ...sameOf(
          near.pairs,
          ({ a, b }) => [a, b],
          (row) => seen[row].member,
          ({ likeness }, [a, b]) => ({ pair: [a, b] as const, likeness }),
        ),
        least,
        isWhole: near.isWhole,
      },
      ...(doubts && {
        doubtful: {
          count: doubts.doubts.length,
          judged: doubts.judged,
          agreement: doubts.agreement,
          listed: doubts.doubts.slice(0, LISTED).map(({ row, suggested, ...found }) => ({
            ...{ member: seen[labelled[row]].member, suggested: classes[suggested], ...found },
          })),
        },
      }),
      outliers: outliersOf(distances, seen),
      seconds: Math.round(performance.now() - began) / 1000,
    };
  } finally {
    await engine.dispose();
  }
}

async function seePictures(
  dataset: Dataset,
  extractor: Awaited<ReturnType<typeof createExtractor>>,
  { batchSize = 16, signal, progress, ...cache }: DeepOptions,
) {
  const seen: Seen[] = [];
  const parts: Float32Array[] = [];
  let classes: readonly string[] = [];
  const workers = createWorkerPool(cpuBudget().decode);
  const width = extractor.backbone.features;
  try {
    for (const split of ownSplits(dataset)) {
      const source = await dataset.open(split);
      if (classes.length === 0) classes = source.names.label ?? [];
      const known: Seen[] = [];
      const found = await imageFeatures(
        extractor,
        source,
        {
          ...{ batchSize, workers, onBadImage: "skip", ...cache },
          progress(done, total) {
            signal?.throwIfAborted();
            progress?.(done, total);
          },
        },
        ({ image, label }, id) => {
          const index = label?.shape.length === 0 ? Number(label.data[0]) : undefined;
          const name = index === undefined ? undefined : source.names.label?.[index];
          const member = { split, id, ...(name !== undefined && { label: name }) };
          const digest = createHash("sha256").update(bytesOf(image)).digest("base64");
          known.push({ member, label: name === undefined ? undefined : index, digest });
        },
      );
      seen.push(...found.indices.map((index) => known[index]));
      parts.push(found.features.data as Float32Array);
    }
  } finally {
    workers[Symbol.dispose]();
  }
  const data = new Float32Array(seen.length * width);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  const features = hostArray([seen.length, width], "float32", data);
  return { classes, ...boundedTo(COMPARED, seen, features) };
}

/** Some of the pictures, spread evenly, where there are more than can be compared. */
function boundedTo(most: number, seen: readonly Seen[], features: HostArray) {
  if (seen.length <= most) return { seen, features, isWhole: true };
  const rows = Array.from({ length: most }, (_, i) => Math.floor((i * seen.length) / most));
  const labels = seen.map(() => 0);
  return {
    seen: rows.map((row) => seen[row]),
    features: rowsOf({ features, labels }, rows).features,
    isWhole: false,
  };
}

/**
 * The rows whose distance to their nearest ones lies outside: above the third quartile by more than 1.5 times the range
 * between the quartiles.
 *
 * @see Tukey 1977, "Exploratory Data Analysis", section 2D
 */
function outliersOf(distances: Float64Array, seen: readonly Seen[]): Members {
  if (distances.length < FEW) return { count: 0, listed: [] };
  const sorted = distances.toSorted();
  const [low, high] = [0.25, 0.75].map((part) => sorted[Math.floor(part * (sorted.length - 1))]);
  const limit = high + 1.5 * (high - low);
  const far = [...distances.keys()]
    .filter((row) => distances[row] > limit)
    .sort((a, b) => distances[b] - distances[a]);
  return { count: far.length, listed: far.slice(0, LISTED).map((row) => seen[row].member) };
}
