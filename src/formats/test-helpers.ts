/** @file What the property tests of the formats share: arbitrary arrays, and damage to bytes. */

import fc from "fast-check";
import { OcelliError } from "../errors.ts";
import { byteSize, DTYPES, hostArray, sizeOf, typedArray } from "../graph/dtype.ts";
import type { HostArray } from "../graph/dtype.ts";

/** Any host array of up to three small axes, with arbitrary bits (bools are 0 or 1). */
export const anyArray: fc.Arbitrary<HostArray> = fc
  .tuple(
    fc.constantFrom(...DTYPES),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
  )
  .map(([dtype, shape, random]) => {
    const bytes = new Uint8Array(sizeOf(shape) * byteSize(dtype));
    for (let i = 0; i < bytes.length; i++) {
      const value: number = random.next().value;
      bytes[i] = dtype === "bool" ? value & 1 : value;
    }
    return hostArray(shape, dtype, typedArray(dtype, bytes.buffer));
  });

/** Some named arrays. */
export const anyArrays: fc.Arbitrary<Record<string, HostArray>> = fc
  .uniqueArray(fc.tuple(fc.string({ unit: "grapheme", maxLength: 8 }), anyArray), {
    selector: ([name]) => name,
    maxLength: 4,
  })
  .map((entries) => Object.fromEntries(entries));

/** An array as comparable bits: NaNs with different bits differ. */
export const bitsOf = ({ shape, dtype, data }: HostArray) => ({
  shape: [...shape],
  dtype,
  bits: [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
});

/** The bits of every array of a record. */
export const allBits = (arrays: Readonly<Record<string, HostArray>>) =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, bitsOf(array)]));

/** Damaged copies of some bytes: cut short, and up to eight bytes changed, as often as not near an end. */
export const damaged = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> => {
  const place = fc.oneof(
    fc.nat(bytes.length - 1),
    fc.nat(Math.min(63, bytes.length - 1)),
    fc.nat(Math.min(99, bytes.length - 1)).map((i) => bytes.length - 1 - i),
  );
  const value = fc.oneof(fc.constantFrom(0, 1, 127, 128, 255), fc.nat(255));
  return fc
    .tuple(fc.array(fc.tuple(place, value), { maxLength: 8 }), fc.option(place))
    .map(([changes, end]) => {
      const copy = bytes.slice();
      for (const [at, byte] of changes) copy[at] = byte;
      return end === null ? copy : copy.subarray(0, end);
    });
};

/** Fails unless the parser yields a value or an OcelliError for every one of the inputs. */
export function expectRobust(
  inputs: fc.Arbitrary<Uint8Array>,
  parse: (bytes: Uint8Array) => unknown,
  numRuns = 1000,
): void {
  fc.assert(
    fc.property(inputs, (bytes) => {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof OcelliError)) throw error;
      }
    }),
    { numRuns },
  );
}
