/** @file Arbitrary shapes and attributes for the operations that have many: convolutions, windows, pads, products, gathers. */

import fc from "fast-check";
import * as g from "../../src/graph/index.ts";
import { draw } from "./table.ts";

/** A function, and inputs that fit it. */
export interface Sample {
  readonly fn: (...inputs: g.Tensor[]) => g.Tensor;
  readonly inputs: readonly g.HostArray[];
  /** For the report of a failure. */
  readonly toString: () => string;
}

const sample = (
  name: string,
  attrs: object,
  fn: Sample["fn"],
  ...inputs: Sample["inputs"]
): Sample => ({
  fn,
  inputs,
  toString: () =>
    `${name} of ${inputs.map(({ shape }) => `[${shape.join()}]`).join(" and ")}: ${JSON.stringify(attrs)}`,
});

const floats = (shape: g.Shape, seed: number): g.HostArray =>
  draw(shape, seed).realise("float32", 0);
const int = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const pair = (min: number, max: number) => fc.tuple(int(min, max), int(min, max));
const list = <T>(n: number, item: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(item, { minLength: n, maxLength: n });

const conv: fc.Arbitrary<Sample> = fc
  .record({
    rank: int(1, 2),
    groups: fc.constantFrom([1, 1], [2, 1], [3, 1], [1, 2]),
    images: int(1, 2),
    channels: int(1, 2),
    features: int(1, 2),
  })
  .chain(({ rank, groups: [groups, batchGroups], images, channels, features }) =>
    fc
      .record({
        extents: list(rank, int(1, 6)),
        window: list(rank, int(1, 3)),
        strides: list(rank, int(1, 3)),
        lhsDilation: list(rank, int(1, 3)),
        rhsDilation: list(rank, int(1, 2)),
        padding: list(rank, pair(-1, 3)),
      })
      .map(({ extents, window, ...rest }) => {
        const options = { ...rest, groups, batchGroups };
        const x = floats([images * batchGroups, ...extents, channels * groups], 1);
        const kernel = floats([...window, channels, features * groups * batchGroups], 2);
        return sample("conv", options, (a, k) => g.conv(a, k, options), x, kernel);
      }),
  );

const window: fc.Arbitrary<Sample> = fc
  .record({
    kind: fc.constantFrom("sum", "max", "min"),
    extents: list(2, int(1, 5)),
    size: list(2, int(1, 3)),
    strides: list(2, int(1, 3)),
    padding: list(2, pair(0, 2)),
  })
  .filter(({ size, padding }) => padding.every(([low, high], i) => low < size[i] && high < size[i]))
  .map(({ kind, extents, size, strides, padding }) =>
    sample(
      `reduceWindow ${kind}`,
      { size, strides, padding },
      (a) => g.reduceWindow(a, kind, size, strides, padding),
      floats(extents, 3),
    ),
  );

const pad: fc.Arbitrary<Sample> = fc
  .record({
    extents: list(2, int(0, 4)),
    edges: list(2, pair(-2, 2)),
    interior: list(2, int(0, 2)),
  })
  .filter(({ extents, edges, interior }) =>
    extents.every((n, i) => n + Math.max(n - 1, 0) * interior[i] + edges[i][0] + edges[i][1] >= 0),
  )
  .map(({ extents, edges, interior }) => {
    const config = edges.map(([low, high], i) => [low, high, interior[i]] as const);
    return sample("pad", config, (a, v) => g.pad(a, config, v), floats(extents, 4), floats([], 5));
  });

/** Axes in some order, each in one of three roles. */
const dot: fc.Arbitrary<Sample> = fc
  .record({
    batch: fc.array(int(1, 3), { maxLength: 2 }),
    contract: fc.array(int(0, 3), { maxLength: 2 }),
    left: fc.array(int(1, 3), { maxLength: 2 }),
    right: fc.array(int(1, 3), { maxLength: 2 }),
    seeds: list(2, int(0, 1000)),
  })
  .map(({ batch, contract, left, right, seeds }) => {
    const operand = (free: number[], seed: number) => {
      const extents = [...batch, ...contract, ...free];
      const order = shuffled(extents.length, seed);
      const places = extents.map((_, i) => order.indexOf(i));
      return {
        array: floats(
          order.map((i) => extents[i]),
          seed,
        ),
        batch: places.slice(0, batch.length),
        contract: places.slice(batch.length, batch.length + contract.length),
      };
    };
    const [a, b] = [operand(left, seeds[0]), operand(right, seeds[1])];
    const dims = {
      lhsBatch: a.batch,
      rhsBatch: b.batch,
      lhsContract: a.contract,
      rhsContract: b.contract,
    };
    return sample("dotGeneral", dims, (x, y) => g.dotGeneral(x, y, dims), a.array, b.array);
  });

/** 0 … n − 1 in an order that depends on a seed. */
function shuffled(n: number, seed: number): number[] {
  const keys = g.toNumbers(floats([n], seed));
  return keys.map((_, i) => i).sort((i, j) => keys[i] - keys[j]);
}

const gathered = fc.record({ rank: int(1, 3), seed: int(0, 1000) }).chain(({ rank, seed }) =>
  fc
    .record({
      axis: int(0, rank - 1),
      batchDims: int(0, 2),
      rest: fc.array(int(0, 3), { maxLength: 2 }),
    })
    .filter(({ axis, batchDims }) => batchDims <= axis)
    .map(({ axis, batchDims, rest }) => {
      const shape = [3, 2, 4].slice(0, rank);
      const indexShape = [...shape.slice(0, batchDims), ...rest];
      const indices = draw(indexShape, seed, { whole: [-2, 5] }).realise("int32", 0);
      const updates = [...shape.slice(0, axis), ...rest, ...shape.slice(axis + 1)];
      return {
        dims: { axis, batchDims },
        x: floats(shape, 6),
        indices,
        updates: floats(updates, 7),
      };
    }),
);
const gather: fc.Arbitrary<Sample> = gathered.map(({ dims, x, indices }) =>
  sample("gather", dims, (a, i) => g.gather(a, i, dims), x, indices),
);
const scatter = (
  of: "scatterAdd" | "scatterSet" | "scatterMax" | "scatterMin",
): fc.Arbitrary<Sample> =>
  gathered.map(({ dims, x, indices, updates }) =>
    sample(of, dims, (a, i, u) => g[of](a, i, u, dims), x, indices, updates),
  );

/** Operations with arbitrary shapes and attributes, by name. */
export const anyShape: Readonly<Record<string, fc.Arbitrary<Sample>>> = {
  conv,
  reduceWindow: window,
  pad,
  dotGeneral: dot,
  gather,
  scatterAdd: scatter("scatterAdd"),
  scatterSet: scatter("scatterSet"),
  scatterMax: scatter("scatterMax"),
  scatterMin: scatter("scatterMin"),
};
