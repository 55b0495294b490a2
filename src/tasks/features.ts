/** @file Features: a picture becomes a vector that is near those of similar pictures; of self-supervision and backbones. */

import { z } from "zod";
import { featuresAt } from "../evaluate/features.ts";
import { createModel } from "../models/index.ts";
import { defineTask } from "./task.ts";

/** Features of a model without a classifier; the data need no labels. */
export const featuresTask = defineTask({
  name: "features",
  schema: z.strictObject({}),
  needs: { image: ["image"] },
  headline: { metric: "knn20", better: "higher" },
  evaluators: () => [],
  describe: () => ({ task: {}, names: {} }),
  create: ({ model: { name, ...options } }) => ({
    model: createModel(name, options),
    heads: { embed: ({ out }) => featuresAt(out) },
    main: "embed",
    respond: (features) => ({ features }), // [batch, features]
    answer: ({ features }) => ({ kind: "features", features }),
  }),
});
