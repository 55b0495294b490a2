/**
 * @file MoCo: a view matches the key of another view of its image, and not the keys in a queue; a slow teacher makes the keys.
 *
 * Papers: He et al. 2020, "Momentum Contrast", arXiv:1911.05722; Chen et al. 2020 (v2), arXiv:2003.04297; Chen et al. 2021
 * (v3), arXiv:2104.02057. Loss of v1 and v2: −log exp(q·k₊/τ) / (exp(q·k₊/τ) + Σ exp(q·kᵢ/τ)), kᵢ of the queue. Of v3, without
 * a queue: 2τ · −log exp(qᵢ·kᵢ/τ) / Σⱼ exp(qᵢ·kⱼ/τ) over the batch, both ways. Statistics of batch normalisation are of the
 * whole batch on all devices, so that shuffling it among devices, as v1 does, has nothing to change.
 */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import {
  type Tensor,
  add,
  convert,
  dynamicUpdateSlice,
  normal,
  rem,
  scalar,
} from "../../graph/index.ts";
import {
  batchContrast,
  firstIsRight,
  maskedMean,
  queueLogits,
  unitRows,
} from "../../losses/index.ts";
import type { Scope } from "../../nn/index.ts";
import { type ObjectiveGiven, defineObjective } from "../define.ts";
import type { Objective } from "../objective.ts";
import { projector } from "./heads.ts";
import { share, temperature, width } from "./option-kinds.ts";
import { cosineBetween, encoderOf, makeSystem } from "./system.ts";
import { checkViews, viewsOf } from "./views.ts";

const [PROJECTOR, PREDICTOR] = ["projector", "predictor"] as const;

const mocoSchema = z.strictObject({
  /** Which of the papers. Default: 2. */
  version: z.literal([1, 2, 3]).optional(),
  /** What cosines are divided by. Default: 0.07, 0.2 or 0.2 by version. */
  temperature: temperature.optional(),
  /** How much of the teacher stays at an update; of version 3 it rises to 1 along a cosine. Default: 0.999, of version 3 0.99. */
  momentum: share.optional(),
  /** How many keys of earlier batches are kept, a multiple of the batch size; not of version 3. Default: 65536. */
  queue: z.int().min(1).max(16_777_216).optional(),
  /** Width of the heads' inner layers; version 1 has none. Default: 2048, of version 3 4096. */
  hidden: width.optional(),
  /** Width of what is compared. Default: 128, of version 3 256. */
  outputs: width.optional(),
  /** Layers of the projector, of version 3 only: 3 for transformers, 2 for ResNets. Default: 3. */
  layers: z.int().min(1).max(8).optional(),
});

type MocoOptions = z.output<typeof mocoSchema>;

/** MoCo in a configuration. */
export const mocoObjective = defineObjective({
  name: "moco",
  schema: mocoSchema,
  task: "features",
  create(options, given) {
    checkViews("moco", given, { least: 2, most: 2 });
    return options.version === 3 ? withPredictor(options, given) : withQueue(options, given);
  },
});

const notOf = (key: string, version: number, others: string): OcelliError =>
  new OcelliError("config", `objective.${key} is not an option of MoCo's version ${version}.`, {
    hint: `It is one of ${others}.`,
  });

function withQueue(options: MocoOptions, given: ObjectiveGiven): Objective {
  const { version = 2, momentum = 0.999, queue: length = 65_536 } = options;
  if (options.layers !== undefined) throw notOf("layers", version, "version: 3");
  if (version === 1 && options.hidden !== undefined) throw notOf("hidden", 1, "version: 2 or 3");
  const { hidden = 2048, outputs = 128 } = options;
  const tau = options.temperature ?? (version === 1 ? 0.07 : 0.2);
  const [batchSize] = given.batch.image.shape;
  if (length % batchSize !== 0) {
    throw new OcelliError(
      "config",
      `objective.queue ${length} is no multiple of the batch size ${batchSize}.`,
      { hint: `Such as ${Math.max(1, Math.round(length / batchSize)) * batchSize}.` },
    );
  }
  const encode = encoderOf(given);
  const network = (scope: Scope, image: Tensor) => {
    const { features } = encode(scope, image);
    const widths = version === 1 ? [outputs] : [hidden, outputs];
    return { features, z: projector(scope.at(PROJECTOR), features, { widths, norms: false }) };
  };
  return makeSystem({
    own: [PROJECTOR],
    student: network,
    teacher: network,
    momentum: () => momentum,
    state: (key) => ({
      queue: unitRows(normal(key, [length, outputs])),
      place: scalar(0, "int32"),
    }),
    loss({ batch, train, student, teacher, state }) {
      const [one, other] = viewsOf(batch, 2, train);
      const { features, z: query } = student(one);
      const { z: key, features: others } = teacher(other);
      const logits = queueLogits(query, key, state.queue, tau);
      const { queue, place } = state;
      const next = train && {
        queue: dynamicUpdateSlice(queue, unitRows(key), [place, scalar(0, "int32")]),
        place: rem(add(place, batchSize), length),
      };
      return {
        ...{ loss: maskedMean(firstIsRight(logits), batch.mask), features, others, outputs: query },
        ...(next && { state: next }),
      };
    },
  });
}

function withPredictor(options: MocoOptions, given: ObjectiveGiven): Objective {
  if (options.queue !== undefined) throw notOf("queue", 3, "version: 1 or 2");
  const { temperature: tau = 0.2, momentum = 0.99, layers = 3 } = options;
  const { hidden = 4096, outputs = 256 } = options;
  const encode = encoderOf(given);
  const network = (scope: Scope, image: Tensor) => {
    const { features } = encode(scope, image);
    const widths = [...new Array<number>(layers - 1).fill(hidden), outputs];
    const settings = { widths, last: "plain-norm", bias: false } as const;
    return { features, z: projector(scope.at(PROJECTOR), features, settings) };
  };
  return makeSystem({
    own: [PROJECTOR, PREDICTOR],
    student(scope, image) {
      const { features, z: projected } = network(scope, image);
      const settings = { widths: [hidden, outputs], last: "plain-norm", bias: false } as const;
      return { features, q: projector(scope.at(PREDICTOR), projected, settings) };
    },
    teacher: network,
    momentum: cosineBetween(momentum, 1, given.totalSteps),
    loss({ batch, train, student, teacher }) {
      const [one, other] = viewsOf(batch, 2, train);
      const mask = batch.mask && convert(batch.mask, "float32");
      const direction = (query: Tensor, key: Tensor): Tensor =>
        maskedMean(batchContrast(query, key, { temperature: tau, mask }), mask);
      const [a, b] = [student(one), student(other)];
      const loss = add(direction(a.q, teacher(other).z), direction(b.q, teacher(one).z));
      return { loss, features: a.features, others: b.features, outputs: a.q };
    },
  });
}
