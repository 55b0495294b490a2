/**
 * @file SwAV: the cluster of one view is predicted from the others, clusters being shared equally among a batch.
 *
 * Paper: Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments", arXiv:2006.09882.
 * Loss: −Σ q log softmax(C z / τ), q by Sinkhorn from each of the two first views, predicted from all others.
 */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import {
  type Tensor,
  broadcastTo,
  concatenate,
  equal,
  less,
  logicalOr,
  mul,
  rsqrt,
  add,
  reduceSum,
  select,
  sliceAxis,
  softmax,
  square,
  stopGradient,
  zeros,
} from "../../graph/index.ts";
import {
  maskedMean,
  prototypeScores,
  sinkhorn,
  swappedPrediction,
  unitRows,
} from "../../losses/index.ts";
import { lecunNormal } from "../../nn/index.ts";
import { defineObjective } from "../define.ts";
import type { SystemContext } from "./system.ts";
import { projector } from "./heads.ts";
import { temperature, width } from "./option-kinds.ts";
import { encoderOf, makeSystem, seeTogether } from "./system.ts";
import { checkViews, viewsOf } from "./views.ts";

const [HEAD, PROTOTYPES] = ["projector", "prototypes"] as const;
/** How many views have codes. */
const GLOBALS = 2;

/** SwAV in a configuration. */
export const swavObjective = defineObjective({
  name: "swav",
  schema: z.strictObject({
    /** How many prototypes there are. Default: 3000. */
    prototypes: width.optional(),
    /** What scores are divided by in predictions. Default: 0.1. */
    temperature: temperature.optional(),
    /** What they are divided by in codes. Default: 0.05. */
    epsilon: temperature.optional(),
    /** Rounds of Sinkhorn. Default: 3. */
    rounds: z.int().min(1).max(100).optional(),
    /** For how many steps the prototypes stay as they are. Default: 313. */
    frozenSteps: z.int().min(0).optional(),
    /** How many features of earlier batches take part in codes, for small batches. Default: 0. */
    queue: z.int().min(0).max(16_777_216).optional(),
    /** From which step on they do, once the queue is full. Default: 0. */
    queueFrom: z.int().min(0).optional(),
    /** Width of the head's inner layer. Default: 2048. */
    hidden: width.optional(),
    /** Width of what is compared. Default: 128. */
    outputs: width.optional(),
  }),
  task: "features",
  create(options, given) {
    checkViews("swav", given, { least: GLOBALS });
    const {
      prototypes: count = 3000,
      temperature: tau = 0.1,
      epsilon = 0.05,
      rounds = 3,
    } = options;
    const { frozenSteps = 313, queue = 0, queueFrom = 0, hidden = 2048, outputs = 128 } = options;
    if (options.queueFrom !== undefined && queue === 0) {
      throw new OcelliError("config", "objective.queueFrom needs a queue.", {
        hint: "Such as queue: 3840, as in the paper.",
      });
    }
    const encode = encoderOf(given);
    /** The codes of a view, of which earlier features of the same view are part. */
    const codeOf = (
      { step, state, batch, train }: SystemContext,
      i: number,
      own: Tensor,
      c: Tensor,
    ) => {
      const alone = sinkhorn(own, { epsilon, rounds, mask: batch.mask });
      if (queue === 0 || !train) return alone;
      const before = prototypeScores(state[`queue${i}`], c);
      const all = sinkhorn(concatenate([own, before], 0), { epsilon, rounds });
      const shared = sliceAxis(all, 0, 0, own.shape[0]);
      const oldest = sliceAxis(state[`queue${i}`], 0, queue - 1); // 0 until the queue is full
      const waits = logicalOr(less(step, queueFrom), equal(reduceSum(square(oldest)), 0));
      return select(broadcastTo(waits, own.shape), alone, shared);
    };
    const objective = makeSystem({
      own: [HEAD, PROTOTYPES],
      student(scope, image) {
        const { features } = encode(scope, image);
        const widths = [hidden, outputs];
        const projected = projector(scope.at(HEAD), features, { widths });
        const c = scope.param(`${PROTOTYPES}/kernel`, lecunNormal, [count, outputs]);
        return { features, z: projected, c };
      },
      ...(queue > 0 && {
        state: () =>
          Object.fromEntries(
            Array.from({ length: GLOBALS }, (_, i) => [`queue${i}`, zeros([queue, outputs])]),
          ),
      }),
      loss(context) {
        const { batch, train, step, student, state } = context;
        const views = seeTogether(student, viewsOf(batch, GLOBALS, train));
        const [{ c: kernel }] = views;
        const held = less(step, frozenSteps);
        const c = select(broadcastTo(held, kernel.shape), stopGradient(kernel), kernel);
        const scores = views.map(({ z: projected }) => prototypeScores(projected, c));
        const codes = scores.slice(0, GLOBALS).map((own, i) => codeOf(context, i, own, c));
        const rows = swappedPrediction(scores, { temperature: tau, codes });
        const [{ features }, { features: others }] = views;
        const next =
          train &&
          queue > 0 &&
          Object.fromEntries(
            views.slice(0, GLOBALS).map(({ z: projected }, i) => {
              const all = concatenate([unitRows(projected), state[`queue${i}`]], 0);
              return [`queue${i}`, sliceAxis(all, 0, 0, queue)];
            }),
          );
        return {
          ...{ loss: maskedMean(rows, batch.mask), features, others },
          outputs: softmax(mul(scores[0], 1 / tau), 1),
          ...(next && { state: next }),
        };
      },
    });
    return {
      ...objective,
      // of unit length after each update, as a gradient would be scaled by their length otherwise
      after({ params, variables }) {
        const {
          [PROTOTYPES]: { kernel },
          ...rest
        } = params as { [PROTOTYPES]: { kernel: Tensor } };
        const length = add(reduceSum(square(kernel), 1, { keepDims: true }), 1e-24);
        return {
          params: { ...rest, [PROTOTYPES]: { kernel: mul(kernel, rsqrt(length)) } },
          variables,
        };
      },
    };
  },
});
