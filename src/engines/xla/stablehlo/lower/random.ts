/** @file The Threefry-2x32 cipher in StableHLO. */

import type { Builder, Value } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { PARITY, ROTATIONS } from "../../../../graph/ops/random.ts";

function rotateLeft(b: Builder, x: Value, by: number): Value {
  const left = b.map("shift_left", x, b.full(x, by));
  return b.map("or", left, b.map("shift_right_logical", x, b.full(x, 32 - by)));
}

const threefry2x32: Lowering<unknown> = ({ b, inputs: [k0, k1, x0, x1] }) => {
  const parity = b.full(k0, PARITY);
  const keys = [k0, k1, b.map("xor", b.map("xor", k0, k1), parity)];
  let left = b.map("add", x0, k0);
  let right = b.map("add", x1, k1);
  for (let group = 0; group < 5; group++) {
    for (const by of ROTATIONS[group % 2]) {
      left = b.map("add", left, right);
      right = b.map("xor", rotateLeft(b, right, by), left);
    }
    left = b.map("add", left, keys[(group + 1) % 3]);
    const schedule = b.map("add", right, keys[(group + 2) % 3]);
    right = b.map("add", schedule, b.full(right, group + 1));
  }
  return [left, right];
};

export const randomLowerings = { threefry2x32 };
