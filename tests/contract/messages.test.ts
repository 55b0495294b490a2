import { describe, expect, it } from "vitest";
import { OcelliError } from "../../src/errors.ts";
import * as g from "../../src/graph/index.ts";
import { randomKey } from "../../src/graph/index.ts";

const f32 = (...shape: number[]): g.Tensor => g.zeros(shape);
const i32 = (...shape: number[]): g.Tensor => g.zeros(shape, "int32");

/** What a call throws; it must be Ocelli's error. */
function thrown(fn: () => unknown): OcelliError {
  try {
    fn();
  } catch (error) {
    if (error instanceof OcelliError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** The line of the call to this function. */
const here = (): number =>
  Number(/messages\.test\.ts:(\d+)/.exec(new Error().stack!.split("\n")[2])![1]);

describe("shape errors", () => {
  it("name the operation, the shapes, the scope and the caller's line", () => {
    let line = 0;
    const error = thrown(() =>
      g.withScope("Transformer/encoderblock_0", () => {
        line = here() + 1;
        return g.add(f32(2, 3), f32(4));
      }),
    );
    expect(error.code).toBe("shape");
    expect(error.message).toMatch(
      /^add\(float32\[2,3\], float32\[4\]\): shapes do not broadcast \(in scope Transformer\/encoderblock_0, at .*messages\.test\.ts:\d+\)$/,
    );
    expect(Number(/:(\d+)\)$/.exec(error.message)![1])).toBe(line);
    expect(error.given).toEqual([
      { shape: [2, 3], dtype: "float32" },
      { shape: [4], dtype: "float32" },
    ]);
  });

  it("find the caller behind many frames of the language", () => {
    const deep = (n: number, x: g.Tensor): g.Tensor[] =>
      g.remat((y) => (n === 0 ? [g.reshape(y, [7])] : deep(n - 1, y)))(x);
    expect(thrown(() => deep(12, f32(2))).message).toMatch(/reshape.*messages\.test\.ts:\d+\)$/);
  });

  it("in a gradient name the scope of the operation", () => {
    const error = thrown(() =>
      g.grad((x: g.Tensor) => {
        const y = g.withScope("decoder", () =>
          g.whileLoop(
            (v) => g.less(v, 9),
            (v) => [g.mul(v, 2)],
            [x],
          ),
        );
        return y[0];
      })(g.scalar(1)),
    );
    expect(error.message).toMatch(/^whileLoop\(float32\[\]\): .*\(in scope decoder, at /);
  });
});

const key = (): g.Tensor => randomKey(0);

/** Calls that are wrong, and how the message begins. */
const WRONG: readonly (readonly [message: string, call: () => unknown])[] = [
  ["add(float32[2], int32[2]): operands must share one dtype", () => g.add(f32(2), i32(2))],
  ["add(int32[2]): 0.5 is no int32; convert the tensor first", () => g.add(i32(2), 0.5)],
  ["add(uint8[1]): 300 is no uint8", () => g.add(g.zeros([1], "uint8"), 300)],
  ["sub(uint32[1]): -1 is no uint32", () => g.sub(g.zeros([1], "uint32"), -1)],
  ["mul needs at least one tensor", () => g.mul(1, 2)],
  ["mul takes tensors and numbers, not string", () => g.mul(f32(1), "2" as never)],
  ["select needs at least one tensor", () => g.select(g.zeros([2], "bool"), null as never, 1)],
  [
    "a function of a loop, a branch or a gradient must return a list of tensors, such as [y]; it returned the tensor float32[2]",
    () =>
      g.cond(
        g.scalar(true, "bool"),
        (x) => x as never,
        (x) => [x],
        f32(2),
      ),
  ],
  [
    "a function of a loop, a branch or a gradient must return a list of tensors, such as [y]; it returned the tensor float32[]",
    () =>
      g.whileLoop(
        (n) => g.less(n, 3),
        (n) => g.add(n, 1) as never,
        [g.scalar(0)],
      ),
  ],
  [
    "a function of a loop, a branch or a gradient must return a list of tensors, such as [y]; it returned undefined",
    () => g.scan(() => ({}) as never, [f32(2)], [], { length: 2 }),
  ],
  [
    "a function of a loop, a branch or a gradient must return a list of tensors, such as [y]; it returned [float32[2], 1]",
    () => g.remat((x) => [x, 1 as never])(f32(2)),
  ],
  ["sin(int32[2]): takes floats, not int32", () => g.sin(i32(2))],
  ["and(float32[1], float32[1]): takes integers or bool", () => g.bitwiseAnd(f32(1), f32(1))],
  [
    "shiftLeft(bool[1], bool[1]): takes integers, not bool",
    () => g.shiftLeft(g.zeros([1], "bool"), g.zeros([1], "bool")),
  ],
  [
    "select(float32[2], float32[2], float32[2]): the predicate must be bool",
    () => g.select(f32(2), f32(2), f32(2)),
  ],
  [
    "select(bool[3], float32[2], float32[2]): shapes do not broadcast",
    () => g.select(g.zeros([3], "bool"), f32(2), f32(2)),
  ],
  ["broadcastTo(float32[2]): does not broadcast to [3]", () => g.broadcastTo(f32(2), [3])],
  [
    "broadcastInDim(float32[2]): does not fit [2,2] along [2]",
    () => g.broadcastInDim(f32(2), [2, 2], [2]),
  ],
  ["reshape(float32[6]): does not fit [4]", () => g.reshape(f32(6), [4])],
  ["reshape(float32[6]): does not fit [-1,4]", () => g.reshape(f32(6), [-1, 4])],
  ["transpose(float32[2,3]): [0,0] is no permutation", () => g.transpose(f32(2, 3), [0, 0])],
  ["reduceSum(float32[2]): axis 1 is not in [-1, 1)", () => g.reduceSum(f32(2), 1)],
  ["reduceMax(float32[2,2]): axes [0,-2] repeat", () => g.reduceMax(f32(2, 2), [0, -2])],
  ["reduceSum(bool[2]): takes numbers", () => g.reduceSum(g.zeros([2], "bool"))],
  ["reduceAnd(float32[2]): takes bool", () => g.reduceAnd(f32(2))],
  ["argMax(float32[2,0]): axis 1 is empty", () => g.argMax(f32(2, 0))],
  ["mean(int32[2]): takes floats; convert", () => g.mean(i32(2))],
  ["slice(float32[3]): [1] to [4] by [1] leaves its shape", () => g.slice(f32(3), [1], [4])],
  ["squeeze(float32[1,2]): axis 1 has extent 2", () => g.squeeze(f32(1, 2), 1)],
  ["split(float32[5]): axis 0 does not divide into 2", () => g.split(f32(5), 2)],
  ["split(float32[5]): sizes [2,2] do not add up to 5", () => g.split(f32(5), [2, 2])],
  [
    "pad(float32[2], float32[]): [-3], [0], [0] leave a negative extent",
    () => g.pad(f32(2), [[-3, 0]]),
  ],
  [
    "pad(float32[2], int32[]): the padding value must be a scalar",
    () => g.pad(f32(2), [[1, 0]], i32()),
  ],
  ["pad(float32[2], float32[]): low, high and interior need one entry", () => g.pad(f32(2), [])],
  [
    "concatenate(float32[2,3], float32[2,4]): operands may differ along axis 0",
    () => g.concatenate([f32(2, 3), f32(2, 4)]),
  ],
  ["concatenate(): needs at least one tensor", () => g.concatenate([])],
  [
    "matmul(float32[2,3], float32[4,5]): inner extents 3 and 4 differ",
    () => g.matmul(f32(2, 3), f32(4, 5)),
  ],
  ["matmul(float32[], float32[2]): takes no scalars", () => g.matmul(f32(), f32(2))],
  [
    "matmul(float32[2], float32[3]): shapes do not broadcast",
    () => g.matmul(f32(2, 3, 4), f32(3, 4, 5)),
  ],
  [
    "dotGeneral(float32[2], float32[3]): contracted axes [0] and [0] differ in extent",
    () => g.dotGeneral(f32(2), f32(3), { lhsContract: [0], rhsContract: [0] }),
  ],
  [
    "dotGeneral(float32[2], float32[2]): [1] are no distinct axes of operand 0",
    () => g.dotGeneral(f32(2), f32(2), { lhsContract: [1], rhsContract: [0] }),
  ],
  [
    "dotGeneral(float32[2], float32[3]): batch axes [0] and [0] differ",
    () => g.dotGeneral(f32(2), f32(3), { lhsBatch: [0], rhsBatch: [0] }),
  ],
  [
    'einsum "ab,bc->ad"(float32[2,2], float32[2,2]): "d" is in no operand',
    () => g.einsum("ab,bc->ad", f32(2, 2), f32(2, 2)),
  ],
  ['einsum "ab->a"(', () => g.einsum("ab->a", f32(2, 2), f32(2))],
  [
    'einsum "aa,b->b"(float32[2,2], float32[2]): repeats a name',
    () => g.einsum("aa,b->b", f32(2, 2), f32(2)),
  ],
  [
    'einsum "a,b->ab"(float32[2,2], float32[2]): names do not match the ranks',
    () => g.einsum("a,b->ab", f32(2, 2), f32(2)),
  ],
  [
    "convGeneralDilated(float32[1,4,4,3], float32[3,3,2,8]): 3 input features, but the kernel takes 2 × 1 groups",
    () => g.conv(f32(1, 4, 4, 3), f32(3, 3, 2, 8)),
  ],
  [
    "convGeneralDilated(float32[4,4], float32[3,3]): takes [N, …, C] and [k…, I, O]",
    () => g.conv(f32(4, 4), f32(3, 3)),
  ],
  [
    "convGeneralDilated(float32[2,4,4], float32[3,2,4]): has feature groups or batch groups, not both",
    () => g.conv(f32(2, 4, 4), f32(3, 2, 4), { groups: 2, batchGroups: 2 }),
  ],
  [
    "convGeneralDilated(float32[3,4,1], float32[3,1,4]): groups do not divide",
    () => g.conv(f32(3, 4, 1), f32(3, 1, 4), { batchGroups: 2 }),
  ],
  [
    "reduceWindow(float32[4,4]): needs one window, stride and padding an axis",
    () => g.reduceWindow(f32(4, 4), "max", [2]),
  ],
  [
    "selectAndScatterAdd(float32[4], float32[3]): the source must have shape [2]",
    () =>
      g.selectAndScatterAdd(f32(4), f32(3), {
        kind: "max",
        window: [2],
        strides: [2],
        padding: [[0, 0]],
      }),
  ],
  ["gather(float32[2], float32[1]): indices must be integers", () => g.gather(f32(2), f32(1))],
  ["gather(float32[0,2], int32[1]): axis 0 is empty", () => g.gather(f32(0, 2), i32(1))],
  [
    "gather(float32[2,3], int32[3,1]): leading axis 0 differs",
    () => g.gather(f32(2, 3), i32(3, 1), { axis: 1, batchDims: 1 }),
  ],
  [
    "gather(float32[2], int32[1]): batchDims 1 ≤ axis 0 < rank does not hold",
    () => g.gather(f32(2), i32(1), { batchDims: 1 }),
  ],
  [
    "scatterAdd(float32[4], int32[2], float32[3]): updates must have shape [2]",
    () => g.scatterAdd(f32(4), i32(2), f32(3)),
  ],
  [
    "dynamicSlice(float32[3], float32[]): starts must be integer scalars",
    () => g.dynamicSlice(f32(3), [f32()], [2]),
  ],
  [
    "dynamicSlice(float32[3], int32[]): [4] does not fit",
    () => g.dynamicSlice(f32(3), [i32()], [4]),
  ],
  [
    "dynamicUpdateSlice(float32[3], int32[2], int32[]): dtypes differ",
    () => g.dynamicUpdateSlice(f32(3), i32(2), [i32()]),
  ],
  ["sort(bool[2]): keys must be numbers", () => g.sort(g.zeros([2], "bool"))],
  [
    "sort(float32[2], float32[3]): keys and values must share one shape",
    () => g.sortWith(f32(2), [f32(3)]),
  ],
  ["topK(float32[2]): k = 3 does not fit the last axis", () => g.topK(f32(2), 3)],
  ["topK(bool[2]): takes numbers", () => g.topK(g.zeros([2], "bool"), 1)],
  ["oneHot(float32[2]): indices must be integers", () => g.oneHot(f32(2), 3)],
  ["iota(): counts numbers, not bool", () => g.iota([2], "bool")],
  ["iota(): axis 0 is not an axis of []", () => g.iota([])],
  ["tensor(): ragged values", () => g.tensor([[1, 2], [3]])],
  [
    "layerNorm(float32[2,4], float32[3], float32[4]): parameters must have shape [4]",
    () => g.layerNorm(f32(2, 4), f32(3), f32(4)),
  ],
  [
    "groupNorm(float32[2,4]): 4 features do not divide into 3 groups",
    () => g.groupNorm(f32(2, 4), f32(4), f32(4), 3),
  ],
  [
    "groupNorm(float32[4]): takes [batch, spatial…, features]",
    () => g.groupNorm(f32(4), f32(4), f32(4), 2),
  ],
  [
    "attention(float32[1,2,3,4], float32[1,2,2,4], float32[1,2,2,4]): takes q",
    () => g.attention(f32(1, 2, 3, 4), f32(1, 2, 2, 4), f32(1, 2, 2, 4)),
  ],
  [
    "scan(float32[4,2], float32[3]): not all xs have 4 steps",
    () => g.scan((c) => ({ carry: c }), [], [f32(4, 2), f32(3)]),
  ],
  ["scan needs xs or a length", () => g.scan((c) => ({ carry: c }), [f32()])],
  [
    "scan(float32[2]): the carry comes back as float32[1]",
    () => g.scan(() => ({ carry: [f32(1)] }), [f32(2)], [f32(3)]),
  ],
  [
    "scan(float32[2]): the carry comes back as nothing",
    () => g.scan(() => ({ carry: [] }), [f32(2)], [f32(3)]),
  ],
  [
    "cond(float32[]): the predicate must be a bool scalar; use select",
    () =>
      g.cond(
        f32(),
        () => [f32()],
        () => [f32()],
      ),
  ],
  [
    "cond(float32[2], float32[3]): the branches return different shapes or dtypes",
    () =>
      g.cond(
        g.scalar(true, "bool"),
        () => [f32(2)],
        () => [f32(3)],
      ),
  ],
  [
    "whileLoop(float32[2]): the condition must be a bool scalar",
    () =>
      g.whileLoop(
        (x) => x,
        (x) => [x],
        [f32(2)],
      ),
  ],
  [
    "whileLoop(float32[2]): the carry comes back as int32[2]",
    () =>
      g.whileLoop(
        () => g.scalar(true, "bool"),
        () => [i32(2)],
        [f32(2)],
      ),
  ],
  [
    "grad(float32[2]): the function must return a float scalar",
    () => g.grad((x: g.Tensor) => x)(f32(2)),
  ],
  [
    "vmap(float32[2], float32[3]): the batch axes have extents [2,3], not one extent",
    () => g.vmap((x: g.Tensor, _y: g.Tensor) => x)(f32(2), f32(3)),
  ],
  [
    "vmap(float32[]): the batch axes have extents [], not one extent",
    () => g.vmap((x: g.Tensor) => x)(f32()),
  ],
  [
    "vmap: 1 inAxes for 2 arguments",
    () => g.vmap((x: g.Tensor, _y: g.Tensor) => x, { inAxes: [0] })(f32(2), f32(2)),
  ],
  ["random(float32[2]): a key is uint32[2]", () => g.uniform(f32(2), [1])],
  ["a seed is a whole number from 0 to 2^53 − 1, not -1", () => randomKey(-1)],
  ["threefry", () => g.uniform(g.stack([key(), key()]), [1])],
];

describe("messages", () => {
  it.for(WRONG)("%s", ([message, call]) => {
    const expected = message === "threefry" ? "random(uint32[2,2]): a key is uint32[2]" : message;
    expect(thrown(call).message.slice(0, expected.length)).toBe(expected);
  });

  it("of a tensor used outside of its trace say so", () => {
    let leaked: g.Tensor | undefined;
    g.trace(
      (x: g.Tensor) => {
        leaked = g.sin(x);
        return leaked;
      },
      { shape: [2], dtype: "float32" },
    );
    expect(() => g.trace(() => g.mul(leaked!, 2))).toThrow(
      "of another trace is read here; pass it as an argument",
    );
  });

  it("of a traced function that returns no tensors name the output", () => {
    expect(() =>
      g.trace((x: g.Tensor) => ({ loss: x, step: 3 }) as never, { shape: [], dtype: "float32" }),
    ).toThrow("a traced function must return tensors; step is number.");
  });
});
