import { deflateSync, zipSync } from "fflate";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OcelliError } from "../errors.ts";
import { fromNumbers, toNumbers } from "../graph/dtype.ts";
import { concatBytes, viewOf } from "./bytes.ts";
import { writeNpy } from "./npy.ts";
import { openNpz, readNpz, writeNpz } from "./npz.ts";
import { numpyFixture } from "./numpy-fixtures.ts";
import { allBits, anyArrays, damaged, expectRobust } from "./test-helpers.ts";
import { readZip } from "./zip.ts";

describe.each(["npzStored", "npzDeflated"] as const)("NumPy's %s", (name) => {
  test("reads, zip64 local headers included", () => {
    const arrays = readNpz(numpyFixture(name));
    expect(Object.keys(arrays)).toEqual(["a/b", "é", "z"]);
    expect(arrays["a/b"]).toMatchObject({ shape: [2, 3], dtype: "float32" });
    expect(toNumbers(arrays["a/b"])).toEqual([0, 1, 2, 3, 4, 5]);
    expect(arrays["é"]).toMatchObject({ shape: [], dtype: "bool" });
    expect(toNumbers(arrays.z)).toEqual(new Array(50).fill(0));
  });

  test("damage is a clear error", () => {
    expectRobust(damaged(numpyFixture(name)), (bytes) => readNpz(bytes));
  });

  test("any change to a member's content is noticed", () => {
    const start = 30 + "a/b.npy".length + 20; // local header, name, zip64 field
    for (let at = start; at < start + 50; at++) {
      const bytes = numpyFixture(name);
      bytes[at] ^= 1;
      expect(() => openNpz(bytes).read("a/b")).toThrow(OcelliError);
    }
  });
});

test("arrays are read one at a time, an unknown name with the nearest", () => {
  const file = openNpz(numpyFixture("npzStored"));
  expect(file.names).toEqual(["a/b", "é", "z"]);
  expect(file.read("z").shape).toEqual([50]);
  expect(() => file.read("a/c")).toThrow('unknown array "a/c"; valid: a/b');
});

test("arrays survive the round trip, stored and deflated", () => {
  fc.assert(
    fc.property(anyArrays, fc.constantFrom(0, 6), (arrays, level) => {
      expect(allBits(readNpz(writeNpz(arrays, { level })))).toEqual(allBits(arrays));
    }),
  );
});

test("the same arrays give the same bytes, whatever their order", () => {
  const a = fromNumbers([1, 2], [2], "float32");
  const b = fromNumbers([3], [], "int32");
  expect(writeNpz({ a, b })).toEqual(writeNpz({ b, a }));
});

test("a member that is not npy is a format error", () => {
  expect(() => openNpz(zipSync({ "readme.txt": new Uint8Array(3) }))).toThrow("not an npy file");
});

describe("lying archives", () => {
  const zeros = writeNpy(fromNumbers(new Float32Array(1 << 20), [1 << 20], "float32"));

  /** A zip of one deflated member "a.npy" whose headers claim `size` bytes. */
  function lie(deflated: Uint8Array, size: number): Uint8Array {
    const name = new TextEncoder().encode("a.npy");
    const central = new Uint8Array(46 + name.length);
    const view = viewOf(central);
    view.setUint32(0, 0x02014b50, true);
    view.setUint16(10, 8, true);
    view.setUint32(20, deflated.length, true);
    view.setUint32(24, size, true);
    view.setUint16(28, name.length, true);
    central.set(name, 46);
    const local = new Uint8Array(30 + name.length);
    viewOf(local).setUint32(0, 0x04034b50, true);
    viewOf(local).setUint16(26, name.length, true);
    local.set(name, 30);
    const end = new Uint8Array(22);
    viewOf(end).setUint32(0, 0x06054b50, true);
    viewOf(end).setUint16(10, 1, true);
    viewOf(end).setUint32(12, central.length, true);
    viewOf(end).setUint32(16, local.length + deflated.length, true);
    return concatBytes([local, deflated, central, end]);
  }

  test("more content than declared stops the inflation", () => {
    expect(() => readNpz(lie(deflateSync(zeros), 100))).toThrow("inflates beyond its 100 bytes");
  });

  test("less content than declared is an error", () => {
    const deflated = deflateSync(zeros);
    expect(() => readNpz(lie(deflated, zeros.length + 100))).toThrow("inflates to");
  });

  test("a size no deflate stream can reach is refused before anything is allocated", () => {
    expect(() => readNpz(lie(deflateSync(zeros.subarray(0, 200)), 0xfffffff0))).toThrow(
      /cannot hold|would inflate/,
    );
  });

  test("the limit holds for all members together", () => {
    const file = zipSync({ "a.npy": zeros, "b.npy": zeros }, { level: 9 });
    expect(() => readNpz(file, { maxBytes: 1.5 * zeros.length })).toThrow("above the limit");
    expect(Object.keys(readNpz(file, { maxBytes: 2 * zeros.length }))).toEqual(["a", "b"]);
  });

  test("members that overlap are refused", () => {
    const file = zipSync({ "a.npy": zeros, "b.npy": zeros }, { level: 0 });
    const at = viewOf(file).getUint32(file.length - 6, true);
    viewOf(file).setUint32(at + 20, zeros.length + 50, true); // the first member's packed size
    viewOf(file).setUint32(at + 24, zeros.length + 50, true);
    expect(() => readNpz(file)).toThrow("overlaps");
  });

  test("encrypted members and other methods are unsupported", () => {
    const file = lie(deflateSync(zeros), zeros.length);
    const at = viewOf(file).getUint32(file.length - 6, true);
    viewOf(file).setUint16(at + 8, 1, true);
    expect(() => readNpz(file)).toThrow("encrypted");
    viewOf(file).setUint16(at + 8, 0, true);
    viewOf(file).setUint16(at + 10, 12, true);
    expect(() => readNpz(file)).toThrow("compression method 12");
  });
});

test("a comment after the directory is skipped, an empty archive is empty", () => {
  const file = zipSync({});
  viewOf(file).setUint16(20, 3, true);
  expect(readZip(concatBytes([file, new Uint8Array(3)]), 0, "zip")).toEqual([]);
});

test("arbitrary bytes are a clear error", () => {
  expectRobust(fc.uint8Array({ maxLength: 128 }), (bytes) => readNpz(bytes));
});
