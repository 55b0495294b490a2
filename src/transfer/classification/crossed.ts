/** @file Judging by cross-validation, where classes have too few images for some of them to be held out. */

import { type Dataset, type Source, namesOf } from "../../data/source.ts";
import { ALL } from "../../data/splits/hashed.ts";
import { openSplit } from "../../data/splits/splits.ts";
import { classesOf } from "../../served/classification/shots.ts";
import type { SourceFeatures } from "../features.ts";
import type { Head, Labelled } from "./labelled.ts";
import type { TransferMethod, TransferOptions } from "./options.ts";
import { type Quality, type Scored, joined, qualityOfScores, scoresOf } from "./quality.ts";
import { FEW, divide, foldsOf, isFew } from "./select.ts";

/** Methods whose classifier is found in moments, so that it may be found as often as there are parts. */
const QUICK: readonly TransferMethod[] = ["linear", "fewshot", "knn"];
/** Where other classes have many images, a test split judges well enough: so many times {@link FEW} a class. */
const AT_MOST = 2;

/** What a judgement by cross-validation goes by in results and metrics. */
export const CROSSED = "cross-validation";

/**
 * All images of a data set that is judged by cross-validation: one without splits of its own, none of which was asked
 * for, with a class of fewer than ten images. Undefined for every other.
 */
export async function crossedSource(
  dataset: Dataset,
  method: TransferMethod,
  { split, test, shots }: Pick<TransferOptions, "split" | "test" | "shots">,
): Promise<Source | undefined> {
  if (!dataset.shares || !QUICK.includes(method) || (split ?? test ?? shots) !== undefined) {
    return undefined;
  }
  const all = await openSplit(dataset, ALL);
  if (all.length >= AT_MOST * FEW * namesOf(all, "label", "a transfer").length) return undefined;
  return isFew({ labels: await classesOf(all) }) ? all : undefined;
}

/** Images that judge, and how well their classes were told. */
export interface Judged {
  readonly asked: SourceFeatures;
  readonly quality: Quality;
}

/**
 * Every image judged by a head that did not see it, found on the others from the beginning. Undefined where no class has
 * two images.
 */
export async function crossJudge(
  known: SourceFeatures,
  find: (part: Labelled) => Promise<Head>,
): Promise<Judged | undefined> {
  const scored: Scored[] = [];
  const rows = foldsOf(known);
  if (rows.length === 0) return undefined;
  for (const held of rows) {
    const { fit, judge } = divide(known, held);
    scored.push(scoresOf(judge, await find(fit)));
  }
  const order = rows.flat();
  const { judge } = divide(known, order);
  const indices = order.map((row) => known.indices[row]);
  return { asked: { ...known, ...judge, indices }, quality: qualityOfScores(joined(scored)) };
}
