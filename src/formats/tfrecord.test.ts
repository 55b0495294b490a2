import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, viewOf } from "./bytes.ts";
import { crc32c, maskedCrc32c } from "./crc32c.ts";
import { encodeRecord, readRecords } from "./tfrecord.ts";
import { damaged, expectRobust } from "./test-helpers.ts";

const file = concatBytes(
  [[1, 2, 3], [], [255]].map((bytes) => encodeRecord(Uint8Array.of(...bytes))),
);

test("CRC-32C of RFC 3720's examples", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
});

test("a record is what the Python package crc32c gives by the published layout", () => {
  const record = encodeRecord(new TextEncoder().encode("ocelli"));
  expect(Buffer.from(record).toString("hex")).toBe("06000000000000007369d5376f63656c6c699e87d72b");
});

test("payloads come back, empty ones too", () => {
  expect([...readRecords(file)].map((payload) => [...payload])).toEqual([[1, 2, 3], [], [255]]);
  expect([...readRecords(new Uint8Array())]).toEqual([]);
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (payloads) => {
      const read = [...readRecords(concatBytes(payloads.map(encodeRecord)))];
      expect(read.map((payload) => [...payload])).toEqual(payloads.map((payload) => [...payload]));
    }),
  );
});

test("both checksums are verified", () => {
  const changed = (at: number) => file.map((byte, i) => (i === at ? byte ^ 4 : byte));
  expect(() => [...readRecords(changed(0))]).toThrow("checksum of a record's length");
  expect(() => [...readRecords(changed(8))]).toThrow("checksum of a record's length");
  expect(() => [...readRecords(changed(13))]).toThrow("checksum of a record's content");
  expect(() => [...readRecords(changed(15))]).toThrow("checksum of a record's content");
});

test("truncation and large records are clear errors", () => {
  for (const end of [5, 13, 17, file.length - 1]) {
    expect(() => [...readRecords(file.subarray(0, end), { what: "a.tfrecord" })]).toThrow(
      "a.tfrecord is truncated",
    );
  }
  expect(() => [...readRecords(file, { maxBytes: 2 })]).toThrow("3 bytes is above the limit of 2");
  const header = encodeRecord(new Uint8Array()).subarray(0, 12).slice();
  viewOf(header).setBigUint64(0, 2n ** 63n, true);
  viewOf(header).setUint32(8, maskedCrc32c(header.subarray(0, 8)), true);
  expect(() => [...readRecords(header)]).toThrow("impossible");
});

test("damaged and arbitrary bytes are clear errors", () => {
  expectRobust(damaged(file), (bytes) => [...readRecords(bytes)]);
  expectRobust(fc.uint8Array({ maxLength: 40 }), (bytes) => [...readRecords(bytes)]);
});
