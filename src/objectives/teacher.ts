/** @file Models that an objective learns from. */

import type { HostArray } from "../graph/index.ts";
import type { ImageModel } from "../models/index.ts";
import type { Tree } from "../tree.ts";

/** A model to learn from. */
export interface Teacher {
  readonly model: ImageModel;
  /** Its trained arrays; drawn anew where absent. */
  readonly arrays?: {
    readonly params: Tree<HostArray>;
    readonly variables: Tree<HostArray>;
  };
}
