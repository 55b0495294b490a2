import fc from "fast-check";
import { expect, test } from "vitest";
import { readPax, readTarHeader } from "./tar.ts";
import { damaged, expectRobust } from "./test-helpers.ts";

/** A ustar header of "dir/a.png", 5 bytes, with changes, and a checksum that fits. */
function header(change: (block: Uint8Array) => void = () => undefined): Uint8Array {
  const block = new Uint8Array(512);
  const put = (text: string, at: number) => block.set(new TextEncoder().encode(text), at);
  put("a.png", 0);
  put("00000000005\0", 124);
  put("0", 156);
  put("ustar\x0000", 257);
  put("dir", 345);
  change(block);
  put("        ", 148);
  put(
    block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0") + "\0",
    148,
  );
  return block;
}

test("names, prefixes, sizes in octal and in base 256", () => {
  expect(readTarHeader(header())).toEqual({ name: "dir/a.png", size: 5, kind: "file" });
  const large = header((block) => block.set([0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1], 124));
  expect(readTarHeader(large)?.size).toBe(2 ** 33 + 1);
  const gnu = header((block) => block.set(new TextEncoder().encode("ustar  \0"), 257));
  expect(readTarHeader(gnu)?.name).toBe("a.png");
  expect(readTarHeader(header((block) => (block[156] = 0x35)))?.kind).toBe("other");
  expect(readTarHeader(new Uint8Array(512))).toBeUndefined();
});

test("what is damaged or unsupported is a clear error", () => {
  const wrong = header();
  wrong[0] ^= 1;
  expect(() => readTarHeader(wrong, "a.tar")).toThrow("a.tar: a member's header is damaged");
  expect(() => readTarHeader(new Uint8Array(100))).toThrow("truncated");
  expect(() => readTarHeader(header((block) => (block[124] = 0x39)))).toThrow("not octal");
  expect(() => readTarHeader(header((block) => block.fill(255, 124, 136)))).toThrow("impossible");
  expect(() => readTarHeader(header((block) => (block[156] = 0x53)))).toThrow("sparse");
});

test("extended attributes", () => {
  const bytes = new TextEncoder().encode("19 path=dir/ä.png\n13 size=1234\n");
  expect([...readPax(bytes)]).toEqual([
    ["path", "dir/ä.png"],
    ["size", "1234"],
  ]);
  for (const damage of [
    "5 a=b",
    "0 a=b\n",
    "x a=b\n",
    "99 a=b\n",
    "6 abc\n",
    "3 \n",
    "1".repeat(30),
  ]) {
    expect(() => readPax(new TextEncoder().encode(damage))).toThrow("attributes are damaged");
  }
});

test("damaged and arbitrary bytes are clear errors", () => {
  expectRobust(damaged(header()), (bytes) => readTarHeader(bytes));
  expectRobust(damaged(new TextEncoder().encode("19 path=dir/ä.png\n13 size=1234\n")), (bytes) =>
    readPax(bytes),
  );
  expectRobust(fc.uint8Array({ maxLength: 600 }), (bytes) => readPax(bytes));
});
