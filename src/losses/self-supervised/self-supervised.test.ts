import { afterAll, expect, test } from "vitest";
import { gradientError, widened } from "../../../tests/contract/finite-differences.ts";
import { evaluate } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import {
  type HostArray,
  type Tensor,
  concatenate,
  constant,
  fromNumbers,
  matmul,
  mean,
  randomKey,
  reshape,
  sizeOf,
  sliceAxis,
  tensor,
  toNumbers,
} from "../../graph/index.ts";
import { seededRandom } from "../../random.ts";
import {
  barlowTwins,
  batchContrast,
  batchHard,
  firstIsRight,
  hiddenPatches,
  hiddenPixels,
  hiddenTokens,
  koLeo,
  maskedPatches,
  maskedSiamese,
  negativeCosine,
  nextCentre,
  ntXent,
  prototypeScores,
  queueLogits,
  regression,
  semiHard,
  sharedProbabilities,
  sinkhorn,
  softmaxEntropy,
  standardisedPatches,
  supervisedContrast,
  swappedPrediction,
  vicReg,
  viewsAgainstTeacher,
  virtualAdversarial,
} from "./index.ts";

// What equals recorded numbers is in src/parity; here are gradients, definitions written out, and the edges.
const engine = createInterpreter();
afterAll(() => engine.dispose());
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));

const draw = (seed: number, ...shape: number[]): HostArray => {
  const random = seededRandom(`losses ${seed}`);
  const values = Array.from({ length: sizeOf(shape) }, () => 4 * random.uniform() - 2);
  return fromNumbers(values, shape, "float32");
};
const [a, b, c] = [draw(1, 6, 5), draw(2, 6, 5), draw(3, 4, 5)];
const labels = tensor([0, 1, 0, 2, 1, 2], "int32");
const hidden = tensor([
  [1, 0, 1],
  [0, 0, 1],
]);
const pixels = [draw(4, 2, 3, 4), draw(5, 2, 3, 4)];
/** A constant that takes the dtype of what stands beside it in finite differences. */
const fixed = (array: HostArray, like: Tensor): Tensor =>
  constant(fromNumbers(toNumbers(array), array.shape, like.dtype));

test.each<[string, (...args: Tensor[]) => Tensor, HostArray[]]>([
  ["NT-Xent", (x, y) => mean(ntXent(x, y, { temperature: 0.5 })), [a, b]],
  ["MoCo", (x) => mean(firstIsRight(queueLogits(x, fixed(b, x), fixed(c, x), 0.2))), [a]],
  ["MoCo v3", (x) => mean(batchContrast(x, fixed(b, x), { temperature: 0.2 })), [a]],
  ["BYOL", (x) => mean(regression(x, fixed(b, x))), [a]],
  ["SimSiam", (x) => mean(negativeCosine(x, fixed(b, x))), [a]],
  ["Barlow Twins", (x, y) => barlowTwins(x, y).loss, [a, b]],
  ["VICReg", (x, y) => vicReg(x, y).loss, [a, b]],
  [
    "SwAV",
    (x, p) => {
      const scores = prototypeScores(x, p);
      const codes = [sinkhorn(prototypeScores(fixed(b, x), fixed(c, x)))];
      return mean(swappedPrediction([scores, scores], { codes }));
    },
    [a, c],
  ],
  ["MSN", (x) => maskedSiamese(x, fixed(b, x), fixed(c, x), { sinkhorn: true }).loss, [a]],
  ["DINO", (x, y) => mean(viewsAgainstTeacher([x, y], [fixed(a, x), fixed(b, x)], 1)), [a, b]],
  ["iBOT", (x) => mean(maskedPatches(x, fixed(pixels[1], x), hidden)), [pixels[0]]],
  ["KoLeo", (x) => koLeo(x), [a]],
  ["MAE", (x, y) => hiddenPatches(x, standardisedPatches(y), hidden), pixels],
  [
    "SimMIM",
    (x) =>
      hiddenPixels(
        reshape(x, [2, 3, 2, 2]),
        fixed(draw(6, 2, 3, 2, 2), x),
        fixed(draw(7, 2, 3, 2), x),
      ),
    [pixels[0]],
  ],
  [
    "BEiT",
    (x) => {
      const targets = tensor(
        [
          [0, 1, 2],
          [3, 2, 1],
        ],
        "int32",
      );
      return hiddenTokens(x, targets, hidden);
    },
    [pixels[0]],
  ],
  ["SupCon", (x) => mean(supervisedContrast(x, labels, 0.1)), [a]],
  ["batch-hard", (x) => mean(batchHard(x, labels).loss), [a]],
  ["batch-hard, margin", (x) => mean(batchHard(x, labels, { margin: 0.3 }).loss), [a]],
  ["semi-hard", (x) => semiHard(x, labels), [a]],
  ["entropy", (x) => mean(softmaxEntropy(x)), [a]],
])("the gradient of %s is that of finite differences", (_name, loss, inputs) => {
  expect(gradientError((...args) => [loss(...args)], inputs.map(widened))).toBeLessThan(1e-6);
});

test("rows that are masked away change nothing", async () => {
  const mask = tensor([1, 1, 1, 1, 0, 0]);
  const short = (x: HostArray): Tensor =>
    constant(fromNumbers(toNumbers(x).slice(0, 20), [4, 5], "float32"));
  const [x, y] = [constant(a), constant(b)];
  const [xs, ys] = [short(a), short(b)];
  const same = async (whole: Tensor, part: Tensor): Promise<void> => {
    const [first, second] = [await read(whole), await read(part)];
    second.forEach((value, i) => expect(first[i]).toBeCloseTo(value, 5));
  };
  await same(barlowTwins(x, y, 5e-3, mask).loss, barlowTwins(xs, ys).loss);
  await same(vicReg(x, y, {}, mask).loss, vicReg(xs, ys).loss);
  const temperature = 0.5;
  const first4 = (rows: Tensor): Tensor => sliceAxis(rows, 0, 0, 4); // of views those of the first
  await same(ntXent(x, y, { temperature, mask }), first4(ntXent(xs, ys, { temperature })));
  await same(batchContrast(x, y, { temperature, mask }), batchContrast(xs, ys, { temperature }));
  await same(sinkhorn(x, { mask }), sinkhorn(xs));
  const [few, some] = [tensor([0, 1, 0, 1], "int32"), tensor([0, 1, 0, 1, 1, 0], "int32")];
  await same(first4(supervisedContrast(x, some, 0.5, mask)), supervisedContrast(xs, few, 0.5));
  await same(semiHard(x, some, 0.5, mask), semiHard(xs, few));
  await same(first4(batchHard(x, some, { mask }).loss), batchHard(xs, few).loss);
  await same(koLeo(x, { mask }), koLeo(xs));
  const [centre, p] = [tensor([1, 2, 3, 4, 5]), constant(c)];
  await same(nextCentre(centre, x, 0.9, mask), nextCentre(centre, xs));
  for (const shares of [false, true]) {
    const options = { sinkhorn: shares };
    const [whole, part] = [
      maskedSiamese(concatenate([x, y], 0), y, p, { ...options, mask }),
      maskedSiamese(concatenate([xs, ys], 0), ys, p, options),
    ];
    await same(whole.loss, part.loss);
  }
  const none = tensor([0, 0, 0, 0, 0, 0]);
  expect(await read(sinkhorn(x, { mask: none }))).toEqual(new Array(30).fill(0));
});

test("codes are distributions, and every prototype gets its share", async () => {
  const codes = await read(sinkhorn(constant(draw(8, 12, 3)), { epsilon: 0.5, rounds: 100 }));
  for (let row = 0; row < 12; row++) {
    expect(codes.slice(3 * row, 3 * row + 3).reduce((x, y) => x + y)).toBeCloseTo(1, 5);
  }
  for (let k = 0; k < 3; k++) {
    const share = codes.filter((_, i) => i % 3 === k).reduce((x, y) => x + y);
    expect(share).toBeCloseTo(4, 4);
  }
});

test("DINOv2's targets are exp(logits / τ), of both views together, and of what a mask keeps", async () => {
  const temperature = 0.5;
  const masks = [
    [1, 0, 1],
    [1, 1, 0],
  ];
  const logits = [draw(11, 3, 4), draw(12, 3, 4)];
  const rows = logits.flatMap((view, v) =>
    masks[v].flatMap((kept, i) =>
      kept
        ? [
            toNumbers(view)
              .slice(4 * i, 4 * i + 4)
              .map((x) => Math.exp(x / temperature)),
          ]
        : [],
    ),
  );
  const total = (values: readonly number[]): number => values.reduce((x, y) => x + y);
  for (let round = 0; round < 3; round++) {
    for (let k = 0; k < 4; k++) {
      const sum = total(rows.map((row) => row[k]));
      for (const row of rows) row[k] /= 4 * sum;
    }
    for (const row of rows) {
      const sum = total(row);
      for (let k = 0; k < 4; k++) row[k] /= rows.length * sum;
    }
  }
  const found = sharedProbabilities(
    logits.map((view) => constant(view)),
    temperature,
    masks.map((mask) => tensor(mask)),
  );
  const values = (await Promise.all(found.map(read))).flat();
  const expected = masks.flat().flatMap((kept) => (kept ? rows.shift()! : [0, 0, 0, 0]));
  values.forEach((value, i) => expect(value).toBeCloseTo(4 * expected[i], 5));
});

test("a semi-hard negative is the nearest beyond the like, or else the farthest", async () => {
  const points = [0, 1, 3, 0.5, 10, 12];
  const groups = [0, 0, 0, 1, 1, 1];
  const margin = 2;
  const squared = (i: number, j: number): number => (points[i] - points[j]) ** 2;
  const losses: number[] = [];
  points.forEach((_, i) =>
    points.forEach((__, j) => {
      if (i === j || groups[i] !== groups[j]) return;
      const others = points.map((___, k) => k).filter((k) => groups[k] !== groups[i]);
      const all = others.map((k) => squared(i, k));
      const beyond = all.filter((d) => d > squared(i, j));
      const negative = beyond.length > 0 ? Math.min(...beyond) : Math.max(...all);
      losses.push(Math.max(0, squared(i, j) - negative + margin));
    }),
  );
  const z = tensor(points.map((x) => [x]));
  const expected = losses.reduce((x, y) => x + y) / losses.length;
  expect(expected).toBeGreaterThan(0);
  const [loss] = await read(semiHard(z, tensor(groups, "int32"), margin));
  expect(loss).toBeCloseTo(expected, 3);
});

test("KoLeo is −mean log of the distance to the nearest unit vector", async () => {
  const rows = [0, 1, 2, 3, 4, 5].map((i) => toNumbers(a).slice(5 * i, 5 * i + 5));
  const unit = rows.map((row) => row.map((x) => x / Math.hypot(...row)));
  const nearest = unit.map((x, i) =>
    Math.min(
      ...unit.flatMap((y, j) => (i === j ? [] : [Math.hypot(...x.map((v, k) => v - y[k]))])),
    ),
  );
  const expected = -nearest.reduce((sum, d) => sum + Math.log(d), 0) / nearest.length;
  expect((await read(koLeo(constant(a))))[0]).toBeCloseTo(expected, 5);
});

test("triplets drawn by hardness are likes and others", async () => {
  const z = concatenate([constant(a), constant(b)], 0);
  const both = concatenate([labels, labels], 0);
  const hard = batchHard(z, both);
  const drawn = batchHard(z, both, { key: randomKey(3) });
  const [far, near] = [await read(hard.positive), await read(hard.negative)];
  const [positive, negative] = [await read(drawn.positive), await read(drawn.negative)];
  positive.forEach((d, i) => expect(d).toBeLessThanOrEqual(far[i]));
  negative.forEach((d, i) => expect(d).toBeGreaterThanOrEqual(near[i]));
  expect([positive, negative]).not.toEqual([far, near]);
});

test("a virtual adversary changes the answer more than a random direction does", async () => {
  const image = constant(draw(9, 6, 2, 2, 1));
  const weights = constant(draw(10, 4, 3));
  const classify = (x: Tensor): Tensor => matmul(reshape(x, [6, 4]), weights);
  const losses = async (rounds: number): Promise<number> => {
    const given = { epsilon: 0.5, xi: 1e-2, rounds };
    const loss = virtualAdversarial(classify, image, classify(image), randomKey(0), given);
    return (await read(mean(loss)))[0];
  };
  const [random, once, often] = [await losses(0), await losses(1), await losses(8)];
  expect(once).toBeGreaterThan(1.2 * random);
  expect(often).toBeGreaterThanOrEqual(once);
});
