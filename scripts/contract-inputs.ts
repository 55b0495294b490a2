/** @file Prints the inputs and cotangents of every contract row as JSON, for `jax-fixtures.py`. */

import type { HostArray } from "../src/graph/index.ts";
import { families } from "../tests/contract/cases/index.ts";
import { cotangentsFor, hasGradient } from "../tests/contract/derive.ts";
import { instancesOf } from "../tests/contract/table.ts";

const encode = ({ shape, dtype, data }: HostArray) => ({
  shape,
  dtype,
  data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"),
});

const rows = Object.entries(families).flatMap(([family, cases]) =>
  cases
    .filter(({ expected }) => !expected)
    .flatMap(instancesOf)
    .map((instance) => {
      const inputs = instance.example(0);
      const cotangents = hasGradient(instance) ? cotangentsFor(instance, inputs) : [];
      return {
        family,
        id: instance.id,
        name: instance.name,
        inputs: inputs.map(encode),
        cotangents: cotangents.map(encode),
      };
    }),
);
console.log(JSON.stringify(rows));
