/** @file Linear probes: a classifier of frozen features, with the strength of its penalty chosen. */

import type { Engine } from "../../engines/engine.ts";
import {
  type Head,
  L2_DEFAULT,
  L2_SWEEP,
  type Labelled,
  type Tried,
  fitSoftmax,
  qualityOf,
} from "./heads.ts";
import { divide } from "./select.ts";

/** A head and how it was found. */
export interface Found {
  readonly head: Head;
  readonly tried: readonly Tried[];
  readonly steps: number;
  readonly l2?: number;
}

/** Softmax regression with the strength of its penalty chosen on other examples than it learned from. */
export async function findLinear(
  engine: Engine,
  known: Labelled,
  validation: Labelled | undefined,
  classes: number,
): Promise<Found> {
  const parts = validation ? { fit: known, choose: validation } : divide(known);
  if (!parts) {
    const [only] = await fitSoftmax(engine, known, classes, [L2_DEFAULT]);
    return { head: only.head, tried: [], steps: only.steps, l2: L2_DEFAULT };
  }
  const fits = await fitSoftmax(engine, parts.fit, classes, L2_SWEEP);
  const tried = fits.map(({ head, ...fit }) => {
    const { accuracy, loss } = qualityOf(parts.choose, head);
    return { ...fit, accuracy, loss };
  });
  const order = (a: number, b: number): number =>
    tried[b].accuracy - tried[a].accuracy || tried[a].loss - tried[b].loss;
  const [best] = tried.map((_, i) => i).sort(order);
  const { l2 } = tried[best];
  const steps = tried.reduce((sum, fit) => sum + fit.steps, 0);
  if (validation) return { head: fits[best].head, tried, steps, l2 };
  const [whole] = await fitSoftmax(engine, known, classes, [l2]);
  return { head: whole.head, tried, steps: steps + whole.steps, l2 };
}
