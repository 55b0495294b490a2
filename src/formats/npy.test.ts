import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toNumbers } from "../graph/dtype.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { numpyFixture } from "./numpy-fixtures.ts";
import { anyArray, bitsOf, damaged, expectRobust } from "./test-helpers.ts";

describe("readNpy on NumPy's files", () => {
  test.each([
    ["f4C", "float32", [2, 3], [0, 0.5, 1, 1.5, 2, 2.5]],
    ["f4F", "float32", [2, 3], [0, 0.5, 1, 1.5, 2, 2.5]],
    ["big", "int32", [2, 3], [-3, -2, -1, 0, 1, 2]],
    ["v2", "float64", [2, 3], [0, 1, 2, 3, 4, 5]],
    ["v3", "float16", [2, 3], [0, 1, 2, 3, 4, 5]],
    ["scalar", "int64", [], [7]],
    ["bf16", "bfloat16", [2, 3], [0, 0.5, 1, 1.5, 2, 2.5]],
    ["u2F", "int32", [2, 3], [65527, 65528, 65529, 65530, 65531, 65532]],
    ["i1", "int32", [2, 3], [-3, -2, -1, 0, 1, 2]],
    ["bool", "bool", [2], [1, 0]],
    ["empty", "float32", [0, 3], []],
    ["F3", "int32", [2, 3, 4], Array.from({ length: 24 }, (_, i) => i)],
  ] as const)("%s", (name, dtype, shape, values) => {
    const array = readNpy(numpyFixture(name));
    expect(array.dtype).toBe(dtype);
    expect(array.shape).toEqual(shape);
    expect(toNumbers(array)).toEqual(values);
  });

  test("uint64 reads as int64 where it fits, and is refused where it does not", () => {
    expect(readNpy(numpyFixture("u8")).data).toEqual(BigInt64Array.of(1n, 2n ** 63n - 1n));
    expect(() => readNpy(numpyFixture("u8big"))).toThrow("do not fit int64");
  });

  test.each(["c8", "U", "rec"] as const)("%s is unsupported", (name) => {
    expect(() => readNpy(numpyFixture(name))).toThrow("supported");
  });

  test("the files we write are NumPy's, byte for byte", () => {
    expect(writeNpy(readNpy(numpyFixture("f4C")))).toEqual(numpyFixture("f4C"));
    expect(writeNpy(readNpy(numpyFixture("scalar")))).toEqual(numpyFixture("scalar"));
    expect(writeNpy(readNpy(numpyFixture("empty")))).toEqual(numpyFixture("empty"));
  });
});

test("an aligned array is a view of the file", () => {
  const bytes = numpyFixture("f4C");
  expect(readNpy(bytes).data.buffer).toBe(bytes.buffer);
});

test("bytes too few or too many are a format error", () => {
  const bytes = numpyFixture("f4C");
  expect(() => readNpy(bytes.subarray(0, -1))).toThrow("takes 24 bytes, not 23");
  expect(() => readNpy(new Uint8Array([...bytes, 0]))).toThrow("takes 24 bytes, not 25");
});

test("a bool that is neither 0 nor 1 is a format error", () => {
  const bytes = numpyFixture("bool");
  bytes[bytes.length - 1] = 2;
  expect(() => readNpy(bytes)).toThrow("neither 0 nor 1");
});

test("every array survives the round trip, at every alignment", () => {
  fc.assert(
    fc.property(anyArray, fc.nat(8), (array, offset) => {
      const file = writeNpy(array);
      const shifted = new Uint8Array(file.length + offset);
      shifted.set(file, offset);
      expect(bitsOf(readNpy(shifted.subarray(offset)))).toEqual(bitsOf(array));
    }),
  );
});

test.each(["f4C", "F3", "bf16", "v2", "u2F"] as const)("damage to %s is a clear error", (name) => {
  expectRobust(damaged(numpyFixture(name)), (bytes) => readNpy(bytes));
});

test("arbitrary bytes are a clear error", () => {
  expectRobust(fc.uint8Array({ maxLength: 64 }), (bytes) => readNpy(bytes));
});
