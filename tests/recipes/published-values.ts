/** @file What a row of published values is, and values that several rows share. */

/** A value of a configuration: a leaf, or a list, such as of schedules by name. */
export type Leaf =
  string | number | boolean | null | readonly Leaf[] | { readonly [key: string]: Leaf };

/** The few-shot evaluations that a source has and its recipe leaves out. */
export interface FewShot {
  readonly everySteps: number;
}

/** What is published of a recipe. */
export interface Published {
  /** The paper, or the configuration in big_vision (`big_vision/configs/…`). */
  readonly source: string;
  readonly values: Readonly<Record<string, Leaf>>;
  /** Not in the source, or changed; the recipe's head comment says so where it changes results. */
  readonly ours?: Readonly<Record<string, Leaf>>;
  /** Evaluations on the data's own splits: how often in steps or percent, by split. */
  readonly evals: Readonly<Record<string, number>>;
  readonly fewShot?: FewShot;
}

export const SAVED = { "log.steps": 50, "checkpoint.every.steps": 1000 };
/** The source keeps no more than its newest checkpoint. */
export const KEPT = { "checkpoint.keep": 1 };
export const ADAM = {
  "optimizer.name": "adam",
  "optimizer.lr": 0.001,
  "optimizer.wd": 0.0001,
  "optimizer.gradClipNorm": 1,
  "optimizer.schedule.warmup.steps": 10_000,
};
