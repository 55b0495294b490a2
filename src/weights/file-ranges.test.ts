import { open, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { viewOf } from "../formats/bytes.ts";
import { writeNpz } from "../formats/npz.ts";
import { torchFixture } from "../formats/torch-fixtures.ts";
import { fromNumbers, toNumbers } from "../graph/index.ts";
import { openRanges } from "../file-ranges.ts";
import { type UnreadArrays, readWeights } from "./read.ts";

/** More than one buffer of Node's `readFile` may hold; a hole in the file, so that it costs no disk. */
const HOLE = 3 * 2 ** 30;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-large-"));
});
afterAll(() => rm(dir, { recursive: true }));

/** Writes bytes at their offsets into a file that is a hole elsewhere. */
async function sparse(name: string, parts: readonly (readonly [number, Uint8Array])[]) {
  const path = join(dir, name);
  const file = await open(path, "w");
  for (const [offset, bytes] of parts) await file.write(bytes, 0, bytes.length, offset);
  await file.close();
  return path;
}

const numbers = (...values: number[]): Uint8Array =>
  new Uint8Array(Float32Array.from(values).buffer);
const only =
  (...names: string[]) =>
  (arrays: UnreadArrays): UnreadArrays =>
    new Map([...arrays].filter(([name]) => names.includes(name)));
const values = (arrays: ReturnType<typeof readWeights>) =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, toNumbers(array)]));

test("safetensors above 2 GiB: the arrays that are asked for, on both sides of the rest", async () => {
  const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  const header = JSON.stringify({
    "img/a": entry("F32", [2], 0, 8),
    "txt/table": entry("U8", [HOLE], 8, 8 + HOLE),
    "img/b": entry("F32", [1], 8 + HOLE, 12 + HOLE),
  });
  const size = new Uint8Array(8);
  viewOf(size).setBigUint64(0, BigInt(header.length), true);
  const start = 8 + header.length;
  const path = await sparse("large.safetensors", [
    [0, size],
    [8, new TextEncoder().encode(header)],
    [start, numbers(1, 2)],
    [start + 8 + HOLE, numbers(3)],
  ]);
  expect(values(readWeights([path], only("img/a", "img/b")))).toEqual({
    "img/a": [1, 2],
    "img/b": [3],
  });
});

/** A zip archive that begins after a hole: its directory says where its members lie. */
function moved(archive: Uint8Array): Uint8Array {
  const bytes = archive.slice();
  const view = viewOf(bytes);
  const end = bytes.length - 22; // no comment
  let at = view.getUint32(end + 16, true);
  view.setUint32(end + 16, at + HOLE, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    view.setUint32(at + 42, view.getUint32(at + 42, true) + HOLE, true);
    const lengths = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    at += lengths.reduce((sum, length) => sum + length, 46);
  }
  return bytes;
}

test.each([
  ["npz", writeNpz({ a: fromNumbers([1, 2], [2], "float32") }), { a: [1, 2] }],
  ["npz", writeNpz({ a: fromNumbers([1, 2], [2], "float32") }, { level: 6 }), { a: [1, 2] }],
  ["pth", torchFixture("zip"), undefined],
])("%s above 2 GiB", async (suffix, archive, expected) => {
  const near = await sparse(`near.${suffix}`, [[0, archive]]);
  const path = await sparse(`large.${suffix}`, [
    [0, new Uint8Array([0x50, 0x4b])],
    [HOLE, moved(archive)],
  ]);
  const arrays = values(readWeights([path]));
  expect(arrays).toEqual(values(readWeights([near])));
  if (expected) expect(arrays).toEqual(expected);
});

test("a file that ends before a range does is told", async () => {
  using ranges = openRanges(await sparse("short.bin", [[0, numbers(1)]]));
  expect(ranges.length).toBe(4);
  expect([...ranges.subarray(2, 4)]).toEqual([0x80, 0x3f]);
  expect(() => ranges.subarray(0, 5)).toThrow("has become shorter");
});
