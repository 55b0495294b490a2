import fc from "fast-check";
import { expect, test } from "vitest";
import { damaged, expectRobust } from "./test-helpers.ts";
import { readExample, writeExample } from "./tf-example.ts";

/** Written by Python's protobuf: bbox [0.5, 1], image/class/label [7, −1, 300], image/encoded [89 50 4e 47]. */
const golden = Buffer.from(
  "0a590a140a0462626f78120c120a0a080000003f0000803f0a260a11696d6167652f636c6173732f6c6162656c" +
    "12111a0f0a0d07ffffffffffffffffff01ac020a190a0d696d6167652f656e636f64656412080a060a0489504e47",
  "hex",
);

test("an Example of Python's protobuf", () => {
  expect(readExample(golden)).toEqual(
    new Map<string, unknown>([
      ["bbox", [0.5, 1]],
      ["image/class/label", [7, -1, 300]],
      ["image/encoded", [Buffer.from([0x89, 0x50, 0x4e, 0x47])]],
    ]),
  );
  expect([...readExample(golden, new Set(["bbox", "other"])).keys()]).toEqual(["bbox"]);
});

test("what is written is read again", () => {
  const features = { a: [Uint8Array.of(1, 2), new Uint8Array()], "b/ä": [0, -5, 2 ** 40], c: [] };
  expect(Object.fromEntries(readExample(writeExample(features)))).toEqual(features);
});

test("integers beyond 2^53 and damage are clear errors", () => {
  expect(() => readExample(writeExample({ n: [2 ** 60] }))).toThrow("is beyond 2^53");
  expect(() => readExample(golden.subarray(0, 40))).toThrow("tf.Example is truncated or damaged");
  expectRobust(damaged(golden), (bytes) => readExample(bytes));
  expectRobust(fc.uint8Array({ maxLength: 60 }), (bytes) => readExample(bytes));
});
