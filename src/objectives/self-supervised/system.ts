/**
 * @file What self-supervised systems share: a student with heads that are not served, a teacher that follows it by a moving
 * average, further state such as queues and centres, and signs of collapse among the metrics.
 */

import {
  type Tensor,
  add,
  concatenate,
  convert,
  cos,
  foldIn,
  mul,
  sliceAxis,
  stopGradient,
  sub,
} from "../../graph/index.ts";
import { maskOfEach } from "../../losses/index.ts";
import type { ImageCall } from "../../models/index.ts";
import { type Params, type Scope, apply, initialise, modelSpecs } from "../../nn/index.ts";
import { type Tree, fromFlat, mapTree, toFlat } from "../../tree.ts";
import type { ObjectiveGiven } from "../define.ts";
import type { Batch, BatchSpec, Objective, ObjectiveArrays } from "../objective.ts";
import { monitors, outputMonitors } from "./monitors.ts";

type Named = Readonly<Record<string, Tensor>>;

/** What of an image is seen, and where each patch stands in the order of what is seen and then what is not. */
export type SystemCall = ImageCall & { readonly restore?: Tensor };

/** What a network computes of images: arrays by name. */
export type Network = (scope: Scope, image: Tensor, call?: SystemCall) => Named;

/** What a system's loss is made of. */
export interface SystemContext {
  readonly batch: Batch;
  /** uint32[2], another one in every step. */
  readonly key: Tensor;
  /** Updates made so far, an int32 scalar. */
  readonly step: Tensor;
  readonly train: boolean;
  /** The student's arrays; one call after the other, each with the statistics that the one before left. */
  readonly student: (image: Tensor, call?: SystemCall) => Named;
  /** The teacher's, without a gradient. */
  readonly teacher: (image: Tensor, call?: SystemCall) => Named;
  /** The state by name, as the step before left it. */
  readonly state: Named;
}

/** What a system's loss gives. */
export interface SystemLoss {
  readonly loss: Tensor;
  readonly metrics?: Named;
  /**
   * Features to be watched for collapse, [batch, width] or several rows of each image in turn, and those of another view.
   */
  readonly features: Tensor;
  readonly others?: Tensor;
  /** What the loss compares of these images, [batch, width], where it may collapse though features do not. */
  readonly outputs?: Tensor;
  /** The next state, whole; as it was where absent. */
  readonly state?: Named;
}

/** A self-supervised system. */
export interface System {
  /** Computes with the model's parameters, and with those of heads under the names {@link System.own}. */
  readonly student: Network;
  /** The names at the root of what is not served. */
  readonly own: readonly string[];
  /** A part of the student whose arrays are moving averages of the student's. */
  readonly teacher?: Network;
  /** How much of the teacher stays at an update. */
  readonly momentum?: (step: Tensor) => Tensor | number;
  /** The first values of what is kept beside, such as queues. */
  readonly state?: (key: Tensor, batch: BatchSpec) => Named;
  readonly loss: (context: SystemContext) => SystemLoss;
}

const [TEACHER, STATE] = ["teacher", "state"] as const;

interface Held<T> {
  readonly teacher: { readonly params: Tree<T>; readonly variables: Tree<T> } | undefined;
  readonly state: Readonly<Record<string, T>>;
  readonly own: { readonly [name: string]: Tree<T> };
}

/** The variables' parts: teacher, state, and the student's own. */
function partsOf<T>(variables: Tree<T>): Held<T> {
  const { [TEACHER]: teacher, [STATE]: state, ...own } = variables as Record<string, Tree<T>>;
  return {
    teacher: teacher as Held<T>["teacher"],
    state: (state ?? {}) as Readonly<Record<string, T>>,
    own,
  };
}

/** The arrays whose whole names others have. */
const pick = <T>(given: Tree<T>, like: Tree<unknown>): { [name: string]: Tree<T> } => {
  const all = toFlat<T>(given);
  return fromFlat(
    Object.fromEntries(Object.keys(toFlat<unknown>(like)).map((name) => [name, all[name]])),
  );
};

const without = <T>(tree: Tree<T>, names: readonly string[]): { [name: string]: Tree<T> } =>
  Object.fromEntries(
    Object.entries(tree as Record<string, Tree<T>>).filter(([name]) => !names.includes(name)),
  );

/**
 * The objective of a system. The student's parameters lie at the root; `variables/teacher` holds the teacher's parameters and
 * statistics, `variables/state` the rest. A teacher is in training mode only where it has statistics to take: so it takes
 * those of its batches as the student does, but drops nothing. Where a step accumulates parts, state and statistics are those
 * of the first; the teacher follows once per update.
 */
export function makeSystem({ student, own, teacher, momentum, state, loss }: System): Objective {
  const specs = ({ image }: BatchSpec) => modelSpecs(student, image);
  return {
    init(key, batch) {
      const { params, variables } = initialise(student, key, batch.image);
      const followed = teacher && modelSpecs(teacher, batch.image);
      const held: Params = {
        ...(followed && {
          [TEACHER]: {
            params: pick<Tensor>(params, followed.params),
            variables: pick<Tensor>(variables, followed.variables),
          },
        }),
        ...(state && { [STATE]: { ...state(foldIn(key, 1), batch) } }),
      };
      return { params, variables: { ...variables, ...held } };
    },
    stacked: (batch) => specs(batch).stacked,
    served: <T>({ params, variables }: ObjectiveArrays<T>): ObjectiveArrays<T> => ({
      params: without<T>(params, own),
      variables: without<T>(variables, [...own, TEACHER, STATE]),
    }),
    loss({ params, variables, batch, key, step, train, isFrozen }) {
      const held = partsOf<Tensor>(variables);
      let statistics: Params = held.own;
      let theirs: Params = (held.teacher?.variables ?? {}) as Params;
      let calls = 0;
      const next = (): Tensor => foldIn(key, ++calls);
      const given: SystemContext = {
        ...{ batch, key: foldIn(key, 0), step, train, state: held.state },
        student(image, call) {
          const options = { params, variables: statistics, key: next(), train, isFrozen };
          const { result, variables: after } = apply(student, options, image, call);
          statistics = after;
          return result;
        },
        teacher(image, call) {
          const takes = train && Object.keys(toFlat<Tensor>(theirs)).length > 0;
          const options = { params: held.teacher!.params, variables: theirs, train: takes };
          const { result, variables: after } = apply(
            teacher!,
            { ...options, key: next() },
            image,
            call,
          );
          theirs = after;
          return mapTree<Tensor, Tensor>(result, stopGradient) as Named;
        },
      };
      const { loss: value, metrics = {}, features, others, outputs, state: after } = loss(given);
      return {
        loss: value,
        metrics: {
          ...monitors(features, others, rowsKept(features, batch.mask)),
          ...(outputs && outputMonitors(outputs, rowsKept(outputs, batch.mask))),
          ...metrics,
        },
        variables: {
          ...statistics,
          ...(held.teacher && {
            [TEACHER]: {
              params: held.teacher.params as Params,
              variables: mapTree<Tensor, Tensor>(theirs, stopGradient) as Params,
            },
          }),
          ...(state && {
            [STATE]: mapTree<Tensor, Tensor>({ ...held.state, ...after }, stopGradient),
          }),
        },
      };
    },
    ...(teacher &&
      momentum && {
        after({ params, variables }, { step }) {
          const held = partsOf<Tensor>(variables);
          const now = toFlat<Tensor>(params);
          const keep = momentum(step);
          const take = typeof keep === "number" ? 1 - keep : sub(1, keep);
          const moved = Object.entries(toFlat<Tensor>(held.teacher!.params)).map(([name, old]) => {
            return [name, add(mul(old, keep), mul(now[name], take))] as const;
          });
          const followed = { ...held.teacher!, params: fromFlat(Object.fromEntries(moved)) };
          return { params, variables: { ...(variables as Params), [TEACHER]: followed } };
        },
      }),
  };
}

/** The mask [batch] for rows of features that each image has one or several of. */
const rowsKept = (features: Tensor, mask?: Tensor): Tensor | undefined =>
  mask && maskOfEach(convert(mask, features.dtype), features.shape[0] / mask.shape[0]);

/** From `from` to `to` along half a cosine over a training's updates. */
export const cosineBetween =
  (from: number, to: number, totalSteps: number) =>
  (step: Tensor): Tensor => {
    const done = mul(convert(step, "float32"), Math.PI / Math.max(totalSteps, 1));
    return sub(to, mul(add(cos(done), 1), (to - from) / 2));
  };

/** The model's features of images, and what else it computes. */
export const encoderOf =
  ({ model, heads: { embed } }: Pick<ObjectiveGiven, "model" | "heads">) =>
  (scope: Scope, image: Tensor, call?: ImageCall): { features: Tensor; out: Named } => {
    const [output, tree] = model(scope, image, call);
    const out = toFlat<Tensor>(tree);
    return { features: embed({ output, out }), out };
  };

/**
 * What a network computes of several views: those of one size in a row go through it together, and so share their statistics.
 *
 * @param rows the names of what is of each image, [batch, …]; the rest is the same for all views
 */
export function seeTogether(
  see: (image: Tensor) => Named,
  views: readonly Tensor[],
  rows: readonly string[] = ["features", "z"],
): Named[] {
  const groups: Tensor[][] = [];
  for (const view of views) {
    const last = groups.at(-1);
    if (last && String(last[0].shape) === String(view.shape)) last.push(view);
    else groups.push([view]);
  }
  return groups.flatMap((group) => {
    const all = see(concatenate(group, 0));
    const [count] = group[0].shape;
    return group.map((_, i) =>
      Object.fromEntries(
        Object.entries(all).map(([name, x]) => {
          return [name, rows.includes(name) ? sliceAxis(x, 0, i * count, (i + 1) * count) : x];
        }),
      ),
    );
  });
}
