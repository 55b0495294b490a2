import { describe, expect, it } from "vitest";
import { shardBatch } from "../../engines/mesh.ts";
import { shardState } from "./sharding.ts";

const float = (...shape: number[]) => ({ shape, dtype: "float32" as const });
const params = {
  "embedding/kernel": float(4, 4, 3, 64),
  "block_0/query/kernel": float(64, 4, 16),
  "head/bias": float(10),
};
const mesh = { data: 4, model: 2 };

describe("sharding rules", () => {
  it("cut the longest axis that divides, and copy small parameters", () => {
    const of = shardState(mesh, [[".*", { fsdp: "data", minSize: 100 }]], params);
    expect(of("params/embedding/kernel", float(4, 4, 3, 64))).toEqual([null, null, null, "data"]);
    expect(of("params/block_0/query/kernel", float(64, 4, 16))).toEqual(["data", null, null]);
    expect(of("params/head/bias", float(10))).toBeUndefined();
  });

  it("take the first rule that matches", () => {
    const rules = [
      [".*/query/kernel", { dim: 1, axis: "model" }],
      [".*/kernel", "replicate"],
    ] as const;
    const of = shardState(mesh, rules, params);
    expect(of("params/block_0/query/kernel", float(64, 4, 16))).toEqual([null, "model", null]);
    expect(of("params/embedding/kernel", float(4, 4, 3, 64))).toBeUndefined();
  });

  it("split what the optimiser keeps like its parameter, and copy the rest", () => {
    const of = shardState(mesh, [[".*/query/kernel", { dim: -1, axis: "data" }]], params);
    const sharding = [null, null, "data"];
    expect(of("optimizer/rule/1/mu/block_0/query/kernel", float(64, 4, 16))).toEqual(sharding);
    expect(of("optimizer/rule/1/row/block_0/query/kernel", float(64, 4))).toBeUndefined();
    expect(of("step", { shape: [], dtype: "int32" })).toBeUndefined();
  });

  it("speak of one layer of a stack", () => {
    const stack = { "encoderblock/mlp/kernel": float(12, 64, 256) };
    const rules = [["encoderblock_.*/mlp/kernel", { dim: 1, axis: "model" }]] as const;
    const of = shardState(mesh, rules, stack, ["encoderblock"]);
    const path = "params/encoderblock/mlp/kernel";
    expect(of(path, float(12, 64, 256))).toEqual([null, null, "model"]);
    const odd = [["encoderblock_0/.*", { dim: 1, axis: "model" }]] as const;
    expect(() => shardState(mesh, odd, stack, ["encoderblock"])).toThrow(
      "the layers of encoderblock/mlp/kernel must all be split the same way",
    );
  });

  it("refuse what cannot be", () => {
    const by = (rule: Parameters<typeof shardState>[1][number][1]) => () =>
      shardState(mesh, [["head/bias", rule]], params);
    expect(by({ dim: 0, axis: "data" })).toThrow("head/bias [10] cannot be cut along its axis 0");
    expect(by({ fsdp: "dta" })).toThrow('unknown mesh axis "dta"; valid: data, model');
  });

  it("split batches over the data axis", () => {
    expect(shardBatch(mesh, 8)).toEqual(["data"]);
    expect(shardBatch({ model: 2 }, 3)).toBeUndefined();
    expect(() => shardBatch(mesh, 6)).toThrow("a batch of 6 does not divide over the mesh data=4");
  });
});
