/** @file One program over 2, 4 and 8 devices computes what it computes on one. */

import { afterAll, describe, expect, it } from "vitest";
import { jit } from "../../src/engines/engine.ts";
import { type Mesh, meshSize, showMesh } from "../../src/engines/mesh.ts";
import { countCollectives } from "../../src/engines/xla/hlo.ts";
import { type XlaEngine, createXlaEngine } from "../../src/engines/xla/index.ts";
import { installedPlugins } from "../../src/engines/xla/plugins.ts";
import {
  type Tensor,
  concatenate,
  cumMax,
  dynamicSlice,
  dynamicUpdateSlice,
  hostArray,
  iota,
  mul,
  pad,
  reshape,
  scatterAdd,
  scatterMax,
  scatterMin,
  scatterSet,
  sliceAxis,
  trace,
  withSharding,
} from "../../src/graph/index.ts";
import {
  ADAM,
  BATCH,
  DATA,
  FSDP,
  type Rules,
  SGD,
  TENSOR,
  type Trained,
  difference,
  gradients,
  relative,
  train,
} from "./mesh-training.ts";

const installed = installedPlugins().includes("xla-cpu");

const long = process.env.OCELLI_LONG === "1";

function report(kind: string, mesh: Mesh, { collectives, argumentBytes }: Trained, one: Trained) {
  const bytes = `${argumentBytes} of ${one.argumentBytes} bytes of arguments on each device`;
  console.log(`${kind} ${showMesh(mesh)}: ${JSON.stringify(collectives)}, ${bytes}`);
}

/**
 * What crosses between devices. Gradients are summed (`all-reduce`), under tensor rules the halves of products too; of
 * parameters split by fsdp each device gathers the whole. The CPU compiler writes no reduce-scatter, but sums and cuts.
 */
const COLLECTIVES: Readonly<Record<string, readonly string[]>> = {
  data: ["all-reduce"],
  fsdp: ["all-gather", "all-reduce", "all-to-all"],
  tensor: ["all-reduce"],
};

/** Tiny programs need no optimised code. */
const QUICK = { xla_backend_optimization_level: 0 };

describe.skipIf(!installed)("a mesh of CPU devices", () => {
  const engines = new Map<string, XlaEngine>();
  const open = (mesh?: Mesh): XlaEngine => {
    const key = mesh ? showMesh(mesh) : "";
    const engine =
      engines.get(key) ?? createXlaEngine({ plugin: "xla-cpu", mesh, compiler: QUICK });
    engines.set(key, engine);
    return engine;
  };
  afterAll(() => Promise.all([...engines.values()].map((engine) => engine.dispose())));

  const cache = new Map<string, Promise<unknown>>();
  /** What one device makes, once. */
  const lone = <T>(key: string, make: () => Promise<T>): Promise<T> => {
    const found = (cache.get(key) ?? make()) as Promise<T>;
    cache.set(key, found);
    return found;
  };

  const layouts: [string, Mesh, Rules][] = (long ? [2, 4, 8] : [4]).flatMap(
    (n): [string, Mesh, Rules][] => [
      ["data", { data: n }, DATA],
      ["fsdp", { data: n }, FSDP],
      ["tensor", { data: n / 2, model: 2 }, TENSOR],
    ],
  );

  const training = "trains by %s over %o as on one device";
  it.each(layouts)(training, { timeout: long ? 300_000 : 60_000 }, async (kind, mesh, rules) => {
    const engine = open(mesh);
    const one = await lone("gradients", () => gradients(open(), []));
    expect(difference(await gradients(engine, rules), one)).toBeLessThan(1e-5);

    const sgd = await train(engine, rules, SGD, 20);
    expect(
      relative(sgd.losses, (await lone("sgd", () => train(open(), [], SGD, 20))).losses),
    ).toBeLessThan(1e-6);
    const first = await lone("sgd", () => train(open(), [], SGD, 20));
    expect(first.losses.at(-1)).toBeLessThan(first.losses[0]);
    expect(Object.keys(sgd.collectives).sort()).toEqual(COLLECTIVES[kind]);
    if (kind === "fsdp") {
      const batchBytes = BATCH * (16 * 16 * 3 + 1) * 4;
      const share = (first.argumentBytes - batchBytes) / meshSize(mesh);
      expect(sgd.argumentBytes - batchBytes / meshSize(mesh)).toBeLessThan(share * 1.3);
    }
    if (kind === "tensor") {
      expect(sgd.argumentBytes).toBeLessThan(first.argumentBytes * 0.75);
    }
    if (!long) return;

    const adam = await train(engine, rules, ADAM, 20);
    const adamAlone = await lone("adam", () => train(open(), [], ADAM, 20));
    expect(relative(adam.losses, adamAlone.losses)).toBeLessThan(1e-3);
    report(kind, mesh, adam, adamAlone);
  });

  it("differs by no more than the order of sums makes one device differ", async () => {
    const one = await lone("sgd", () => train(open(), [], SGD, 20));
    const reversed = await train(open(), [], SGD, 20, { reversed: true });
    expect(reversed.losses).not.toEqual(one.losses);
    expect(relative(reversed.losses, one.losses)).toBeLessThan(1e-6);
  });

  it("goes on from another mesh's parameters", async () => {
    const four = await train(open({ data: 4 }), FSDP, SGD, 5);
    const eight = await train(open({ data: 4, model: 2 }), TENSOR, SGD, 5, { start: four.params });
    const one = await train(open(), [], SGD, 5, { start: four.params });
    expect(relative(eight.losses, one.losses)).toBeLessThan(1e-5);
    expect(one.losses[0]).toBeLessThan(four.losses[0]);
  });

  it("turns a roll over a split axis into a collective permute", async () => {
    const roll = (x: Tensor) =>
      withSharding(concatenate([sliceAxis(x, 0, 2, 8), sliceAxis(x, 0, 0, 2)], 0), ["data"]);
    const { program } = trace(roll, { shape: [8, 3], dtype: "float32" });
    const engine = open({ data: 4 });
    using executable = await engine.compile(program, {
      shardings: { inputs: [["data"]], outputs: [["data"]] },
    });
    const x = hostArray(
      [8, 3],
      "float32",
      Float32Array.from({ length: 24 }, (_, i) => i),
    );
    const [y] = await executable.run([await engine.upload(x, ["data"])]);
    expect(Array.from((await y.read()).data as Float32Array)).toEqual(
      Array.from({ length: 24 }, (_, i) => (i + 6) % 24),
    );
    expect(countCollectives(executable.instructions)).toEqual({ "collective-permute": 1 });
  });

  it("shifts and spreads along a split axis as on one device", async () => {
    const engine = open({ data: 4 });
    const inside = (x: Tensor) => pad(x, [[0, 1, 1]], 9);
    const numbers = Float32Array.from([3, 1, 2, 5, 4, 7, 6, 8]);
    const x = hostArray([8], "float32", numbers);
    for (const [fn, expected] of [
      [(a: Tensor) => cumMax(a), [3, 3, 3, 5, 5, 7, 7, 8]],
      [inside, [3, 9, 1, 9, 2, 9, 5, 9, 4, 9, 7, 9, 6, 9, 8, 9]],
    ] as const) {
      const { program } = trace(fn, x);
      const shardings = { inputs: [["data"]], outputs: [["data"]] };
      using executable = await engine.compile(program, { shardings });
      const [y] = await executable.run([await engine.upload(x, ["data"])]);
      expect(Array.from((await y.read()).data as Float32Array)).toEqual(expected);
    }
  });

  it("clamps the starts of slices along a split axis as on one device", async () => {
    const engine = open({ data: 2 });
    const write = (x: Tensor, update: Tensor, start: Tensor) => [
      dynamicUpdateSlice(x, update, [start]),
      dynamicSlice(x, [start], [1]),
    ];
    const x = hostArray([2], "int32", Int32Array.from([3, 4]));
    const update = hostArray([1], "int32", Int32Array.from([9]));
    for (const [start, ...expected] of [
      [-5, [9, 4], [3]],
      [0, [9, 4], [3]],
      [1, [3, 9], [4]],
      [7, [3, 9], [4]],
    ] as const) {
      const at = hostArray([], "int32", Int32Array.from([start]));
      const { program } = trace(write, x, update, at);
      using executable = await engine.compile(program, {
        shardings: { inputs: [["data"]], outputs: [["data"]] },
      });
      const inputs = [await engine.upload(x, ["data"])];
      for (const array of [update, at]) inputs.push(await engine.upload(array));
      const arrays = await Promise.all((await executable.run(inputs)).map((y) => y.read()));
      expect(arrays.map(({ data }) => Array.from(data, Number))).toEqual(expected);
    }
  });

  it("scatters one update into a split array as on one device", async () => {
    const engine = open({ data: 2 });
    const write = (x: Tensor, update: Tensor, at: Tensor) =>
      [scatterSet, scatterMin, scatterMax, scatterAdd].map((scatter) =>
        // a result that every device has, of which each then takes its part
        scatter(scatterAdd(x, reshape(iota([4], "int32", 0), [4]), x), at, update),
      );
    const x = hostArray([4], "int32", Int32Array.from([1, 2, 3, 4]));
    const update = hostArray([], "int32", Int32Array.from([5]));
    const { program } = trace(write, x, update, update);
    using executable = await engine.compile(program, {
      shardings: { inputs: [undefined], outputs: program.outputs.map(() => ["data"]) },
    });
    for (const [at, ...expected] of [
      [1, [2, 5, 6, 8], [2, 4, 6, 8], [2, 5, 6, 8], [2, 9, 6, 8]],
      [3, [2, 4, 6, 5], [2, 4, 6, 5], [2, 4, 6, 8], [2, 4, 6, 13]],
      [4, [2, 4, 6, 8], [2, 4, 6, 8], [2, 4, 6, 8], [2, 4, 6, 8]],
      [-1, [2, 4, 6, 8], [2, 4, 6, 8], [2, 4, 6, 8], [2, 4, 6, 8]],
    ] as const) {
      const index = hostArray([], "int32", Int32Array.from([at]));
      const inputs = await Promise.all([x, update, index].map((array) => engine.upload(array)));
      const arrays = await Promise.all((await executable.run(inputs)).map((y) => y.read()));
      expect(arrays.map(({ data }) => Array.from(data, Number))).toEqual(expected);
    }
  });

  it("says what does not fit a mesh", async () => {
    const engine = open({ data: 4 });
    const x = hostArray([6], "float32", new Float32Array(6));
    await expect(engine.upload(x, ["data"])).rejects.toThrow("6 does not divide into 4 parts");
    await expect(engine.upload(x, ["dta"])).rejects.toThrow('unknown mesh axis "dta"; valid: data');
    const double = jit(engine, (a: Tensor): Tensor => withSharding(mul(a, 2), [null, "data"]));
    await expect(double(x)).rejects.toThrow("the sharding names 2 axes");
    const eight = hostArray([8], "float32", new Float32Array(8));
    const { program } = trace((a: Tensor) => mul(a, 2), eight);
    using executable = await engine.compile(program, { shardings: { inputs: [["data"]] } });
    await expect(executable.run([await engine.upload(eight)])).rejects.toThrow(
      "input 0 is split as [·] where [data] is taken",
    );
    expect(() => createXlaEngine({ mesh: { data: 4 }, client: { cpu_device_count: 2 } })).toThrow(
      "the mesh data=4 needs 4 devices; there are 2",
    );
  });
});
