/** @file Features with their classes, and the classifier that is fitted to them. */

import type { HostArray } from "../../graph/index.ts";

/** Features [examples, features] with their classes. */
export interface Labelled {
  readonly features: HostArray;
  readonly labels: readonly number[];
}

/** A classifier as a model's parameters `head/kernel` [features, classes] and `head/bias` [classes]. */
export interface Head {
  readonly kernel: HostArray;
  readonly bias: HostArray;
}
