/** @file JAX's results on the contract's inputs, made by `scripts/jax-fixtures.py`. */

import { readFileSync } from "node:fs";
import { crc32 } from "../../src/formats/crc32.ts";
import type { HostArray } from "../../src/graph/index.ts";

/** What JAX makes of a row. */
export interface Fixture {
  readonly outputs: readonly (readonly number[])[];
  readonly grads: readonly (readonly number[])[];
}

interface Stored {
  /** The checksum of the inputs and cotangents that the results belong to. */
  readonly inputs: number;
  readonly outputs: readonly (readonly (number | string)[])[];
  readonly grads: readonly (readonly (number | string)[])[];
}

const FOLDER = new URL("../golden/contract/", import.meta.url);

/** The parsed contents of one file of results. */
export const readResults = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8"));

/** JAX's results for a family of rows, by row and dtype. */
export function fixturesOf(family: string) {
  const stored = readResults(family) as Record<string, Stored | undefined>;
  const lists = (arrays: Stored["outputs"]) => arrays.map((array) => array.map(Number));
  return (id: string, given: readonly HostArray[]): Fixture => {
    const entry = stored[id];
    if (entry?.inputs !== checksum(given)) {
      const why = entry ? "were made of other inputs" : "are missing";
      throw new Error(`JAX's results of "${id}" ${why}: run scripts/jax-fixtures.py.`);
    }
    return { outputs: lists(entry.outputs), grads: lists(entry.grads) };
  };
}

const checksum = (arrays: readonly HostArray[]): number =>
  crc32(
    Uint8Array.from(
      arrays.flatMap(({ data }) => [
        ...new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      ]),
    ),
  );
