/** @file Each objective of two streams against its formula in float64, its gradient against finite differences of that. */

import { afterAll, describe, expect, test } from "vitest";
import { evaluate } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import {
  type Tensor,
  foldIn,
  grad,
  normal,
  randomKey,
  reshape,
  tensor,
  toNumbers,
} from "../../graph/index.ts";
import { type ImageModel } from "../../models/index.ts";
import { type Params, dense } from "../../nn/index.ts";
import { seededRandom } from "../../random.ts";
import { toFlat } from "../../tree.ts";
import { OBJECTIVES, type Objective, objectiveDefinition } from "../index.ts";
import { SEMI_SUPERVISED } from "./index.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));

const [LABELLED, UNLABELLED, PIXELS, FEATURES, CLASSES] = [3, 4, 4, 5, 3];

/** Images [n, 2, 2, 1] to features and logits, each by a dense layer. */
const model: ImageModel = (scope, image) => {
  const features = dense(scope.at("features"), reshape(image, [image.shape[0], PIXELS]), FEATURES);
  return [dense(scope.at("head"), features, CLASSES), { features }];
};

const make = (name: string, options: Record<string, unknown>, views = 1): Objective => {
  const spec = (rows: number) => ({ shape: [rows, 2, 2, 1], dtype: "float32" as const });
  const more = views > 1 ? { view1: spec(LABELLED), unlabelled_view1: spec(UNLABELLED) } : {};
  const batch = { image: spec(LABELLED), unlabelled: spec(UNLABELLED), ...more };
  return objectiveDefinition(name).create(options, {
    ...{ model, batch, names: {}, totalSteps: 1 },
    heads: {
      logits: ({ output }: never) => output,
      embed: ({ out }: never) => (out as never)["features"],
    },
    openTeacher: () => Promise.reject(new Error("no teacher")),
  } as never) as Objective;
};

type Rows = number[][];
type Arrays = Record<string, number[]>;

/** A case drawn by a seed: parameters that are not near 0, and images. */
async function draw(objective: Objective, seed: number) {
  const random = seededRandom("semi", seed);
  const batchSpec = { image: { shape: [LABELLED, 2, 2, 1], dtype: "float32" } } as const;
  const { params } = objective.init(randomKey(seed), batchSpec);
  const arrays: Arrays = {};
  const shapes: Record<string, readonly number[]> = {};
  for (const [name, x] of Object.entries(toFlat<Tensor>(params))) {
    shapes[name] = x.shape;
    arrays[name] = (await read(x)).map(() => 2 * random.uniform() - 1).map(Math.fround);
  }
  const images = (rows: number): Rows =>
    Array.from({ length: rows }, () =>
      Array.from({ length: PIXELS }, () => Math.fround(2 * random.uniform() - 1)),
    );
  const [own, other] = [images(LABELLED), images(UNLABELLED)];
  const views = { own: images(LABELLED), other: images(UNLABELLED) };
  const labels = own.map(() => random.integer(0, CLASSES - 1));
  return { arrays, shapes, own, other, views, labels, key: randomKey(seed + 100) };
}
type Case = Awaited<ReturnType<typeof draw>> & { readonly clean?: Rows };

const treeOf = ({ shapes }: Case, arrays: Arrays): Params => {
  const tree: Record<string, Record<string, Tensor>> = {};
  for (const [name, values] of Object.entries(arrays)) {
    const [layer, leaf] = name.split("/");
    (tree[layer] ??= {})[leaf] = reshape(tensor(values), shapes[name]);
  }
  return tree as Params;
};

const imagesOf = (rows: Rows): Tensor =>
  reshape(tensor(rows.flat()), [rows.length, 2, 2, 1]) as Tensor;

const lossOf = (objective: Objective, drawn: Case, views: number, train = true) => {
  const { own, other, labels, key } = drawn;
  const more =
    views > 1
      ? { view1: imagesOf(drawn.views.own), unlabelled_view1: imagesOf(drawn.views.other) }
      : {};
  const second = train ? { unlabelled: imagesOf(other), ...more } : {};
  const batch = { image: imagesOf(own), label: tensor(labels, "int32"), ...second };
  return (params: Params) =>
    objective.loss({ params, variables: {}, batch, key, step: tensor(0, "int32"), train });
};

/* the same in float64 */

const layer = (arrays: Arrays, name: string, x: readonly number[]): number[] => {
  const [kernel, bias] = [arrays[`${name}/kernel`], arrays[`${name}/bias`]];
  return bias.map((b, k) => x.reduce((sum, v, i) => sum + v * kernel[i * bias.length + k], b));
};
const softmaxOf = (logits: readonly number[]): number[] => {
  const most = Math.max(...logits);
  const weights = logits.map((x) => Math.exp(x - most));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / sum);
};
const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;
const logitsOf = (arrays: Arrays, x: readonly number[]): number[] =>
  layer(arrays, "head", layer(arrays, "features", x));
const xent = (logits: readonly number[], k: number): number => -Math.log(softmaxOf(logits)[k]);
const entropy = (logits: readonly number[]): number =>
  -softmaxOf(logits).reduce((sum, p) => sum + p * Math.log(p), 0);
const kl = (a: readonly number[], b: readonly number[]): number => {
  const [p, q] = [softmaxOf(a), softmaxOf(b)];
  return p.reduce((sum, value, k) => sum + value * Math.log(value / q[k]), 0);
};
/** An image of 2 × 2 by quarter turns counterclockwise. */
const turned = ([a, b, c, d]: readonly number[]): Rows => [
  [a, b, c, d],
  [b, d, a, c],
  [d, c, b, a],
  [c, a, d, b],
];
const labelledLoss = (arrays: Arrays, { own, labels }: Case): number =>
  mean(own.map((x, i) => xent(logitsOf(arrays, x), labels[i])));

/** The hardest triplets with a soft margin over views, view after view. */
function hardest(arrays: Arrays, views: readonly Rows[]): number {
  const all = views
    .flat()
    .map((x) => layer(arrays, "embedding_head", layer(arrays, "features", x)));
  const of = (i: number): number => i % views[0].length;
  const far = (a: number[], b: number[]): number => Math.hypot(...a.map((v, k) => v - b[k]));
  return mean(
    all.map((z, i) => {
      const others = [...all.keys()].filter((j) => j !== i);
      const like = Math.max(...others.filter((j) => of(j) === of(i)).map((j) => far(z, all[j])));
      const other = Math.min(...others.filter((j) => of(j) !== of(i)).map((j) => far(z, all[j])));
      return Math.log1p(Math.exp(like - other));
    }),
  );
}

/** The direction of VAT from the case's own random one, after a round. */
async function directionOf(arrays: Arrays, { own, other, key }: Case, xi: number): Promise<Rows> {
  const all = [...own, ...other];
  const flat = await read(normal(foldIn(key, 0), [all.length, 2, 2, 1]));
  const unit = (row: number[]): number[] => row.map((v) => v / Math.hypot(...row));
  return all.map((x, i) => {
    const d = unit(flat.slice(i * PIXELS, (i + 1) * PIXELS));
    const clean = logitsOf(arrays, x);
    const at = (step: number[]): number =>
      kl(
        logitsOf(
          arrays,
          x.map((v, k) => v + step[k]),
        ),
        clean,
      );
    const h = 1e-5;
    const start = d.map((v) => v * xi);
    return unit(
      start.map((_, k) => {
        const moved = (by: number) => at(start.map((v, j) => (j === k ? v + by : v)));
        return (moved(h) - moved(-h)) / (2 * h);
      }),
    );
  });
}

interface Row {
  readonly options: Record<string, unknown>;
  readonly views?: number;
  /** What is found once, at the parameters of the case, and no gradient passes through. */
  readonly fixed?: (arrays: Arrays, drawn: Case) => Promise<Rows> | Rows;
  readonly formula: (arrays: Arrays, drawn: Case, fixed: Rows) => number;
}

const THRESHOLD = 0.5;
const ROWS: Readonly<Record<string, Row>> = {
  "s4l-rotation": {
    options: { weight: 0.7 },
    formula(arrays, { own, other, labels }) {
      const classes = own.flatMap((x, i) =>
        turned(x).map((turn) => xent(logitsOf(arrays, turn), labels[i])),
      );
      const turns = (rows: Rows) =>
        mean(
          rows.flatMap((x) =>
            turned(x).map((turn, k) =>
              xent(layer(arrays, "rotation", layer(arrays, "features", turn)), k),
            ),
          ),
        );
      return mean(classes) + 0.7 * 0.5 * (turns(own) + turns(other));
    },
  },
  "s4l-exemplar": {
    options: { weight: 0.7, outputs: 6, triplets: "hardest" },
    views: 2,
    formula(arrays, { own, other, views, labels }) {
      const classes = [...own, ...views.own].map((x, i) =>
        xent(logitsOf(arrays, x), labels[i % LABELLED]),
      );
      const apart = hardest(arrays, [own, views.own]) + hardest(arrays, [other, views.other]);
      return mean(classes) + 0.7 * 0.5 * apart;
    },
  },
  vat: {
    options: { weight: 0.7, epsilon: 1.5, xi: 0.5, entropy: 0.2 },
    fixed: (arrays, drawn) => directionOf(arrays, drawn, 0.5),
    formula(arrays, drawn, directions) {
      const all = [...drawn.own, ...drawn.other];
      const start = drawn.clean!;
      const adversarial = all.map((x, i) =>
        kl(
          logitsOf(
            arrays,
            x.map((v, k) => v + 1.5 * directions[i][k]),
          ),
          start[i],
        ),
      );
      const spread = all.map((x) => entropy(logitsOf(arrays, x)));
      return labelledLoss(arrays, drawn) + 0.7 * mean(adversarial) + 0.2 * mean(spread);
    },
  },
  "entropy-minimisation": {
    options: { weight: 0.7 },
    formula: (arrays, drawn) =>
      labelledLoss(arrays, drawn) +
      0.7 * mean(drawn.other.map((x) => entropy(logitsOf(arrays, x)))),
  },
  "pseudo-labels": {
    options: { weight: 0.7, threshold: THRESHOLD },
    views: 2,
    fixed: (arrays, { other }) => other.map((x) => softmaxOf(logitsOf(arrays, x))),
    formula(arrays, drawn, taught) {
      const each = drawn.views.other.map((x, i) => {
        const most = Math.max(...taught[i]);
        return most >= THRESHOLD ? xent(logitsOf(arrays, x), taught[i].indexOf(most)) : 0;
      });
      return labelledLoss(arrays, drawn) + 0.7 * mean(each);
    },
  },
};

test("every objective has a row", () => {
  expect(Object.keys(ROWS).sort()).toEqual(SEMI_SUPERVISED.map(({ name }) => name).sort());
  for (const definition of SEMI_SUPERVISED) {
    expect(OBJECTIVES).toContain(definition);
    expect(definition.takesUnlabelled).toBe(true);
  }
});

describe.each(Object.keys(ROWS))("%s", (name) => {
  const { options, views = 1, fixed, formula } = ROWS[name];
  const objective = make(name, options, views);

  test.each([0, 1, 2])("has its formula's loss and its slopes, case %i", async (seed) => {
    const drawn = await draw(objective, seed);
    const { arrays } = drawn;
    const clean = [...drawn.own, ...drawn.other].map((x) => logitsOf(arrays, x));
    const whole = { ...drawn, clean };
    const found = (await fixed?.(arrays, whole)) ?? [];
    const loss = lossOf(objective, drawn, views);
    const params = treeOf(drawn, arrays);
    const [value] = await read(loss(params).loss);
    expect(value).toBeCloseTo(formula(arrays, whole, found), 5);
    const grads = toFlat<Tensor>(grad((given: Params) => loss(given).loss)(params) as Params);
    const h = 1e-6;
    for (const [key, values] of Object.entries(arrays)) {
      const given = await read(grads[key]);
      values.forEach((_, i) => {
        const moved = (by: number): number => {
          const other = values.map((v, k) => (k === i ? v + by : v));
          return formula({ ...arrays, [key]: other }, whole, found);
        };
        expect(given[i], `${key}[${i}]`).toBeCloseTo((moved(h) - moved(-h)) / (2 * h), 4);
      });
    }
  });

  test("is the loss of the labels in evaluation, and serves the model alone", async () => {
    const drawn = await draw(objective, 9);
    const params = treeOf(drawn, drawn.arrays);
    const { loss, metrics } = lossOf(objective, drawn, views, false)(params);
    expect((await read(loss))[0]).toBeCloseTo(labelledLoss(drawn.arrays, drawn), 5);
    expect(Object.keys(metrics)).toEqual(["accuracy"]);
    const served = objective.served!({ params, variables: {} }).params;
    expect(Object.keys(served).sort()).toEqual(["features", "head"]);
  });
});

test("pseudo-labels are of the images alone that the classifier is confident of", async () => {
  const objective = make("pseudo-labels", { threshold: 1 });
  const drawn = await draw(objective, 0);
  const { metrics } = lossOf(objective, drawn, 1)(treeOf(drawn, drawn.arrays));
  expect(await read(metrics.confident)).toEqual([0]);
  expect(await read(metrics.unlabelledLoss)).toEqual([0]);
  const all = make("pseudo-labels", { threshold: 0 });
  const { metrics: every } = lossOf(all, drawn, 1)(treeOf(drawn, drawn.arrays));
  expect(await read(every.confident)).toEqual([1]);
});

test("views of several sizes are refused", () => {
  const sizes = { image: 2, view1: 2, unlabelled: 2, unlabelled_view1: 3 };
  const batch = Object.fromEntries(
    Object.entries(sizes).map(([field, side]) => [
      field,
      { shape: [3, side, side, 1], dtype: "float32" },
    ]),
  );
  expect(() => objectiveDefinition("s4l-exemplar").create({}, { batch } as never)).toThrow(
    "s4l-exemplar takes views of one size, not 2×2×1 and 3×3×1.",
  );
});
