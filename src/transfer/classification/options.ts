/** @file What a transfer is told, what it works on, and what it yields. */

import type { DataConfig } from "../../data/config.ts";
import type { BadImagePolicy, DataProblem } from "../../data/problems.ts";
import type { Dataset, Source } from "../../data/source.ts";
import type { ClassQuality } from "../../evaluate/index.ts";
import type { LoraOptions } from "../../nn/index.ts";
import type { Reporter } from "../../train/watch/progress.ts";
import type { PublishedOptions } from "../../served/published.ts";
import type { Backbone } from "../backbone.ts";
import type { FeatureCache } from "../features.ts";
import type { HyperRule } from "./hyperrule.ts";

/** The ways to find a classifier. */
export const TRANSFER_METHODS = ["linear", "fewshot", "knn", "full", "lora", "hyperrule"] as const;

/**
 * How a classifier is found: `linear` (softmax regression), `fewshot` (big_vision's ridge probe), `knn`; or with the
 * backbone trained further: `full` (all of it, from the linear classifier), `lora` (low-rank adapters and the classifier,
 * from the linear one), `hyperrule` (all of it by BiT-HyperRule, from a classifier of zeros).
 */
export type TransferMethod = (typeof TRANSFER_METHODS)[number];

/** Options of {@link transfer}. */
export interface TransferOptions
  extends Pick<PublishedOptions, "architecture" | "preprocessing" | "use">, FeatureCache {
  /** A model's name, a run, or what `loadWeights` takes. Default: `efficientnet-lite0`. */
  readonly model?: string;
  /** Default: `linear`. */
  readonly method?: TransferMethod;
  /** Examples of each class. Default: all. */
  readonly shots?: number;
  /** Picks the examples. Default: 0. */
  readonly seed?: number;
  /** The split to learn from. Default: `train`. */
  readonly split?: string;
  /** The split to judge by. Default: `test`, or else `validation`. */
  readonly test?: string;
  /** The run folder. Default: `runs/transfer`, numbered. */
  readonly workdir?: string;
  readonly engine?: string;
  /** Images computed together; 16 unless given, 32 where the backbone is trained. */
  readonly batchSize?: number;
  /** Whether an image that cannot be decoded ends the transfer, or is left out, which it is unless given. */
  readonly onBadImage?: BadImagePolicy;
  /** Times that `full` and `lora` go through the images. Default: 10. */
  readonly epochs?: number;
  /** The peak learning rate of `full` (3e-4 unless given) and `lora` (1e-3 unless given). */
  readonly lr?: number;
  /** The part of its steps that `hyperrule` takes, above 0 and up to 1, which it is unless given. */
  readonly budget?: number;
  /** Default: the adapters of `lora`: rank 8 and alpha 16 on every dense layer but the classifier. */
  readonly lora?: Partial<LoraOptions>;
  readonly reporter?: Reporter;
  /** Aborted: training finishes the current step, saves and ends; before it, nothing is left. */
  readonly signal?: AbortSignal;
}

/** What {@link transfer} yields. */
export interface TransferResult {
  /** On the held-out split, from 0 to 1; absent where training was interrupted. */
  readonly accuracy?: number;
  /** The mean cross-entropy; absent for `knn`. */
  readonly loss?: number;
  /** The expected calibration error of its probabilities; absent for `knn`. */
  readonly ece?: number;
  readonly evals: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly method: TransferMethod;
  readonly model: string;
  readonly classes: readonly string[];
  readonly perClass: readonly ClassQuality[];
  /** Images learned from, and images judged by. */
  readonly trainImages: number;
  readonly testImages: number;
  /** The chosen strength of the linear classifier's L2 penalty. */
  readonly l2?: number;
  /** What the linear classifier's scores were divided by, where that was chosen. */
  readonly temperature?: number;
  /** Steps of the solver, or of training. */
  readonly steps: number;
  readonly seconds: number;
  readonly parameters: number;
  readonly engine: string;
  /** The run folder; absent for `knn`, which has no parameters to leave. */
  readonly workdir?: string;
  readonly problems: readonly DataProblem[];
  readonly interrupted: boolean;
}

/** A transfer with its defaults filled in and everything opened. */
export interface TransferTask extends Omit<TransferOptions, "test" | "lora"> {
  readonly data: DataConfig;
  readonly dataName: string;
  readonly model: string;
  readonly method: TransferMethod;
  readonly seed: number;
  readonly split: string;
  readonly held: string;
  readonly onBadImage: BadImagePolicy;
  readonly batchSize: number;
  readonly reporter: Reporter;
  readonly backbone: Backbone;
  /** The preprocessing of images that the backbone is trained on. */
  readonly views: string;
  /** For `lora` alone. */
  readonly lora: LoraOptions | undefined;
  /** For `hyperrule` alone. */
  readonly rule: HyperRule | undefined;
  readonly classes: readonly string[];
  readonly dataset: Dataset;
  readonly train: Source;
  readonly validation: Source | undefined;
  /** The images that judge; where {@link isCrossed}, those to learn from. */
  readonly test: Source;
  /** Whether the classifier is judged by cross-validation. */
  readonly isCrossed: boolean;
}
