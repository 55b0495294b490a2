/** @file What a training configuration may say. */

import { z } from "zod";
import { dataChoice } from "../data/config.ts";
import { SOURCES } from "../data/registry.ts";
import { BAD_IMAGE_POLICIES } from "../data/problems.ts";
import { EVALUATORS, type EvaluatorConfig } from "../evaluate/index.ts";
import { MODELS, modelChoice } from "../models/index.ts";
import { OBJECTIVES, type ObjectiveConfig } from "../objectives/index.ts";
import { OPTIMIZERS, durationSchema, lossScaleSchema, optimizerChoice } from "../optim/index.ts";
import { TASKS, type TaskConfig } from "../tasks/index.ts";
import { choiceOf } from "../define.ts";

/** When the state is saved so that a run can be resumed, and which checkpoints stay. */
const checkpointSchema = z.strictObject({
  /** How often; at the end, and when training is stopped, in any case. Default: at the end alone. */
  every: durationSchema.optional(),
  /** How many of the newest stay. */
  keep: z.int().min(1).default(2),
  /** Those at multiples of this duration stay for good. Default: none. */
  keepEvery: durationSchema.optional(),
});

/** What every evaluation has beside its evaluator's own options. */
const evaluationKeys = () => ({
  /**
   * A split, or a slice of one.
   *
   * @example "train[55000:]"
   */
  split: z.string(),
  /** The data set that the split is of. Default: that of the training. */
  data: dataChoice().optional(),
  /** How images are prepared. Default: `preprocess.eval`. */
  preprocess: z.string().optional(),
  /** Examples computed together. Default: that of the training. */
  batchSize: z.int().min(1).optional(),
  /** How often; at the end in any case. Default: at the end alone. */
  every: durationSchema.optional(),
  /** Options of the model that differ in this evaluation, such as another patch size of the same weights. Default: none. */
  model: z.record(z.string(), z.unknown()).optional(),
});

/** What every evaluation has beside its evaluator's own options. */
export type EvaluationKeys = z.output<z.ZodObject<ReturnType<typeof evaluationKeys>>>;

const initWeights = z.strictObject({
  /**
   * Weights, as `--model` of `ocelli transfer` takes them.
   *
   * @example "hf:google/vit-base-patch16-224"
   */
  weights: z.string(),
  /** Whether the classifier comes from there, or begins anew, as for other classes. Default: "keep". */
  head: z.enum(["keep", "drop"]).optional(),
});

/**
 * A run folder or checkpoint that fits as it is; weights, as `loadWeights` takes them, that are fitted to the model; or
 * weights for some parts of it.
 */
const initSchema = z.union([
  z.string(),
  initWeights,
  z.strictObject({
    /**
     * Weights by the part of the model that they are for, such as `img` and `txt` of two-towers; of weights with parts of
     * the same names, that part is taken. Other parts begin with their own initial values.
     *
     * @example { img: { weights: "hf:google/vit-base-patch16-224" } }
     */
    parts: z.record(z.string(), initWeights),
  }),
]);

/** A second stream of images. */
const unlabelledSchema = () =>
  z.strictObject({
    /** A split, or a slice of one. */
    split: z.string(),
    /** The data set that the split is of; labels are not used. Default: that of the training. */
    data: dataChoice().optional(),
    /** How images are prepared. Default: `preprocess.train`. */
    preprocess: z.string().optional(),
    /** Images in a step. Default: that of the training. */
    batchSize: z.int().min(1).optional(),
  });

const shardingSchema = z.union([
  z.literal("replicate"),
  z.strictObject({ fsdp: z.string(), minSize: z.int().min(0).optional() }),
  z.strictObject({ dim: z.int(), axis: z.string() }),
]);

const makeSchema = () =>
  z.strictObject({
    /**
     * Names the run folder.
     *
     * @example "quickstart"
     */
    name: z.string().regex(/^[\w.-]+$/, { message: "letters, digits, dots, dashes, underscores" }),
    /** Decides the initial parameters, the order of the examples and every random operation. */
    seed: z.int().min(0).default(0),
    /**
     * The data set.
     *
     * @example { name: "folder", dir: "pets" }
     */
    data: dataChoice(),
    /** The split to train on, or a slice of one. */
    split: z.string().default("train"),
    /** Examples of each class to train on, picked by the seed. Default: all. */
    shots: z.int().min(1).optional(),
    /**
     * Makes classes of different sizes count the same in training: "sampling" draws each equally often, "loss" weighs
     * their losses by class. Default: neither.
     */
    balance: z.enum(["sampling", "loss"]).optional(),
    /** How images are prepared: operations of the preprocessing language, one after the other. */
    preprocess: z.strictObject({
      /**
       * For training.
       *
       * @example "decode|inception_crop(224)|flip_lr|value_range(-1, 1)"
       */
      train: z.string(),
      /**
       * For evaluation; stored with the model for prediction.
       *
       * @example "decode|resize_small(256)|central_crop(224)|value_range(-1, 1)"
       */
      eval: z.string(),
    }),
    /** Whether an image that cannot be decoded ends training, or is left out and reported. */
    onBadImage: z.enum(BAD_IMAGE_POLICIES).default("error"),
    /**
     * Examples in a step.
     *
     * @example 128
     */
    batchSize: z.int().min(1),
    /**
     * Images without labels that each step reads too, of an objective that learns from both. Default: none.
     *
     * @example { split: "train", batchSize: 256 }
     */
    unlabelled: unlabelledSchema().optional(),
    /**
     * What the loss is multiplied by while gradients are taken, so that small ones of float16 do not become 0: halved where
     * they overflow, which leaves the step out, and doubled now and then; null for nothing. Default: scaled where the loss
     * is computed with float16.
     */
    lossScale: lossScaleSchema.nullable().optional(),
    /** Parts into which a batch is cut to save memory; their gradients are averaged before the one update. */
    accumulate: z.int().min(1).default(1),
    /**
     * How long to train, in one unit.
     *
     * @example { epochs: 10 }
     */
    duration: durationSchema,
    /**
     * The model.
     *
     * @example { name: "vit", variant: "S/16" }
     */
    model: modelChoice(),
    /**
     * What the model begins with: a run or checkpoint that fits as it is, or weights that are fitted to the model. Default:
     * its own initial values.
     */
    init: initSchema.optional(),
    /**
     * Of two-towers with a locked image tower: whether its embeddings of the training images are computed once, as in
     * evaluation, and kept in the cache folder, so that training does not run it. Default: false.
     */
    cacheEmbeddings: z.boolean().optional(),
    /** What the model is for. Default: the task of the objective. */
    task: choiceOf<TaskConfig>("name", TASKS).optional(),
    /**
     * What a step minimises.
     *
     * @example { name: "classification", mixup: { p: 0.2 } }
     */
    objective: choiceOf<ObjectiveConfig>("name", OBJECTIVES),
    /**
     * What makes updates of gradients.
     *
     * @example { name: "adamw", lr: 1e-3, wd: 1e-4 }
     */
    optimizer: optimizerChoice(),
    /**
     * Evaluations by name; the headline of the first that has one is the run's result. Default: `test`, and `validation`
     * after every epoch.
     *
     * @example { test: { split: "test", every: { epochs: 1 } } }
     */
    evals: z
      .record(
        z.string(),
        choiceOf<EvaluatorConfig & EvaluationKeys, EvaluationInput>("type", EVALUATORS, {
          keys: evaluationKeys(),
          usual: "classification",
        }),
      )
      .optional(),
    /**
     * A value of an evaluation, such as `validation/loss`, by which the best state is served instead of the last; the
     * evaluation runs after every epoch where it has no schedule. Default: none.
     *
     * @example "validation/loss"
     */
    best: z.string().optional(),
    /** Training ends after so many evaluations in a row that bring nothing better by `best`. Default: at its end. */
    patience: z.int().min(1).optional(),
    /** How often metrics are written. */
    log: durationSchema.default({ percent: 1 }),
    /** When the state is saved, and which checkpoints stay. */
    checkpoint: checkpointSchema.default({ every: { percent: 10 }, keep: 2 }),
    /**
     * Devices to compute over, of an engine that has several. Default: one.
     *
     * @example "data=4,model=2"
     */
    mesh: z.string().optional(),
    /** How float32 products are computed: exactly, or in TF32, which a CUDA engine has. Default: "float32". */
    products: z.enum(["float32", "tf32"]).optional(),
    /**
     * How parameters are split over the mesh: the first rule whose pattern matches a name; copied where none does.
     *
     * @example [[".*", { fsdp: "data" }]]
     */
    sharding: z
      .array(z.tuple([z.string(), shardingSchema]))
      .readonly()
      .default([]),
    /** Training ends with an error after so many steps in a row whose loss or gradient is not finite. */
    maxSkipped: z.int().min(1).default(100),
  });

/** An evaluation as one writes it; classification where it does not say its type. */
type EvaluationInput = EvaluationKeys & (EvaluatorConfig | { readonly type?: undefined });

let made: { readonly schema: ReturnType<typeof makeSchema>; readonly of: string } | undefined;

/** The schema of a configuration: strict, so that a key that nothing reads is an error; with all that was added. */
export function configSchema(): ReturnType<typeof makeSchema> {
  const of = [MODELS, OBJECTIVES, TASKS, EVALUATORS, OPTIMIZERS, SOURCES]
    .map(({ length }) => length)
    .join();
  if (made?.of !== of) made = { schema: makeSchema(), of };
  return made.schema;
}

/** A configuration as one writes it. */
export type ConfigInput = z.input<ReturnType<typeof makeSchema>>;
/** A configuration for data that the command line names. */
export type Recipe = Omit<ConfigInput, "data">;
/** A configuration with its defaults filled in. */
export type Config = z.output<ReturnType<typeof makeSchema>>;
