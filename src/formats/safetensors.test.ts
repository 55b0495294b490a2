import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteSize, fromNumbers } from "../graph/dtype.ts";
import { concatBytes, viewOf } from "./bytes.ts";
import {
  readSafetensors,
  readSafetensorsHeader,
  safetensorsChunks,
  writeSafetensors,
} from "./safetensors.ts";
import { allBits, anyArrays, damaged, expectRobust } from "./test-helpers.ts";

/** A file of a given header text and so many zero bytes. */
function fileOf(header: string, bytes: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const size = new Uint8Array(8);
  viewOf(size).setBigUint64(0, BigInt(text.length), true);
  return concatBytes([size, text, new Uint8Array(bytes)]);
}

const entry = (dtype: string, shape: number[], begin: number, end: number) =>
  `{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`;

const example = {
  bias: fromNumbers([1, 2, 3], [3], "bfloat16"),
  kernel: fromNumbers([1, 2, 3, 4, 5, 6], [2, 3], "float32"),
  mask: fromNumbers([1, 0, 1], [3], "bool"),
  step: fromNumbers([7], [], "int64"),
};

test("the bytes written are laid out as documented", () => {
  const bytes = writeSafetensors({ b: fromNumbers([1], [1], "float32") }, { format: "pt" });
  const header = `{"__metadata__":{"format":"pt"},"b":${entry("F32", [1], 0, 4)}}`;
  expect(viewOf(bytes).getBigUint64(0, true)).toBe(88n);
  expect(new TextDecoder().decode(bytes.subarray(8, 96))).toBe(header.padEnd(88));
  expect([...bytes.subarray(96)]).toEqual([0, 0, 0x80, 0x3f]);
});

test("tensors and metadata survive the round trip, whatever their names", () => {
  fc.assert(
    fc.property(
      anyArrays,
      fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })),
      (tensors, metadata) => {
        const read = readSafetensors(writeSafetensors(tensors, metadata));
        expect(allBits(read.tensors)).toEqual(allBits(tensors));
        expect({ ...read.metadata }).toEqual({ ...metadata });
      },
    ),
  );
});

test("the same content gives the same bytes, and every tensor is aligned", () => {
  const { bias, kernel, mask, step } = example;
  const bytes = writeSafetensors(example, { a: "1", b: "2" });
  expect(writeSafetensors({ step, mask, kernel, bias }, { b: "2", a: "1" })).toEqual(bytes);
  for (const { data, dtype } of Object.values(readSafetensors(bytes).tensors)) {
    expect(data.buffer).toBe(bytes.buffer);
    expect(data.byteOffset % byteSize(dtype)).toBe(0);
  }
});

test("bytes at an odd address are read, by copying", () => {
  const bytes = writeSafetensors(example);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  expect(allBits(readSafetensors(shifted.subarray(1)).tensors)).toEqual(allBits(example));
});

test("the header alone says where tensors lie", () => {
  const [header, ...data] = safetensorsChunks(example);
  const { entries, byteLength } = readSafetensorsHeader(header);
  expect(entries.step).toEqual({
    type: "int64",
    shape: [],
    begin: header.length,
    end: header.length + 8,
  });
  expect(byteLength).toBe(concatBytes([header, ...data]).length);
  expect(data.every((chunk) => chunk.length > 0)).toBe(true);
});

test("narrow integers widen", () => {
  const { tensors } = readSafetensors(fileOf(`{"a":${entry("I8", [2], 0, 2)}}`, 2));
  expect(tensors.a).toEqual({ shape: [2], dtype: "int32", data: Int32Array.of(0, 0) });
});

describe("refused", () => {
  const a = `"a":${entry("F32", [1], 0, 4)}`;
  test.each([
    ["a gap", `{${a},"b":${entry("U8", [1], 5, 6)}}`, 6, "gap"],
    ["an overlap", `{${a},"b":${entry("U8", [1], 3, 4)}}`, 4, "overlaps"],
    ["too few bytes", `{${a}}`, 3, "describes"],
    ["too many bytes", `{${a}}`, 5, "describes"],
    ["offsets against the shape", `{"a":${entry("F32", [2], 0, 4)}}`, 4, "do not fit"],
    ["a reversed range", `{"a":${entry("F32", [1], 4, 0)}}`, 4, "do not fit"],
    ["a duplicate", `{${a},${a}}`, 4, "twice"],
    ["a duplicate spelt otherwise", `{${a},"\\u0061" :${entry("F32", [1], 0, 4)}}`, 4, "twice"],
    ["duplicate metadata", `{"__metadata__":{"k":"1","k":"2"}}`, 0, "twice"],
    ["metadata that is no text", `{"__metadata__":{"k":1}}`, 0, "record of texts"],
    ["a fractional extent", `{"a":${entry("F32", [0.5], 0, 2)}}`, 2, "needs exactly"],
    ["an impossible shape", `{"a":${entry("U8", [2 ** 52, 2 ** 52], 0, 0)}}`, 0, "impossible"],
    ["an unknown dtype", `{"a":${entry("F8_E4M3", [1], 0, 1)}}`, 1, "not supported"],
    ["an array", "[]", 0, "not a JSON object"],
    ["no JSON", "{", 0, "damaged"],
    ["leading space", " {}", 0, "not a JSON object"],
  ])("%s", (_, header, bytes, message) => {
    expect(() => readSafetensors(fileOf(header, bytes))).toThrow(message);
  });

  test("a header longer than the file, or than any header", () => {
    const bytes = writeSafetensors(example);
    expect(() => readSafetensors(bytes.subarray(0, 40))).toThrow("truncated");
    bytes[7] = 1;
    expect(() => readSafetensors(bytes)).toThrow("impossible");
    expect(() => readSafetensors(bytes.subarray(0, 7))).toThrow("truncated");
  });

  test("a tensor of the metadata's name", () => {
    expect(() => writeSafetensors({ __metadata__: example.bias })).toThrow("cannot be named");
  });
});

test("damaged and arbitrary bytes are clear errors", () => {
  const header = `{"a":${entry("F32", [1], 0, 4)},"__metadata__":{"k":"\\u0061"}}`;
  expectRobust(damaged(writeSafetensors(example)), (bytes) => readSafetensors(bytes));
  expectRobust(damaged(fileOf(header, 4)), (bytes) => readSafetensors(bytes), 3000);
  expectRobust(fc.uint8Array({ maxLength: 64 }), (bytes) => readSafetensors(bytes));
  expectRobust(
    fc.json().map((text) => fileOf(text, 0)),
    (bytes) => readSafetensors(bytes),
  );
});
