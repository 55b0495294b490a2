/** @file The Threefry-2x32 cipher in StableHLO. */

import { PARITY, ROTATIONS } from "../../../../graph/ops/random.ts";
import type { Builder, Value } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { loop } from "./control.ts";

const GROUPS = 5;

/** A number in every element: one known now, or a scalar of the program. */
const spread = (b: Builder, like: Value, value: number | Value): Value =>
  typeof value === "number" ? b.full(like, value) : b.broadcast(value, like.shape, []);

/** Four rounds of mixing, then two words of the key and the group's number plus one. */
function group(
  b: Builder,
  [x, y]: readonly [Value, Value],
  rotations: readonly (number | Value)[],
  [first, second]: readonly Value[],
  number: number | Value,
): [Value, Value] {
  let [left, right] = [x, y];
  for (const by of rotations) {
    left = b.map("add", left, right);
    const amount = spread(b, right, by);
    const rest = b.map("subtract", b.full(right, 32), amount);
    const high = b.map("shift_left", right, amount);
    const rotated = b.map("or", high, b.map("shift_right_logical", right, rest));
    right = b.map("xor", rotated, left);
  }
  const keyed = b.map("add", right, second);
  return [b.map("add", left, first), b.map("add", keyed, spread(b, right, number))];
}

const threefry2x32: Lowering<unknown> = ({ b, inputs: [k0, k1, x0, x1] }) => {
  const parity = b.full(k0, PARITY);
  const keys = [k0, k1, b.map("xor", b.map("xor", k0, k1), parity)];
  const start: [Value, Value] = [b.map("add", x0, k0), b.map("add", x1, k1)];
  return b.target.rolledCipher ? rolled(b, start, keys) : unrolled(b, start, keys);
};

function unrolled(b: Builder, start: [Value, Value], keys: readonly Value[]): Value[] {
  let state = start;
  for (let i = 0; i < GROUPS; i++) {
    const words = [keys[(i + 1) % 3], keys[(i + 2) % 3]];
    state = group(b, state, ROTATIONS[i % 2], words, i + 1);
  }
  return state;
}

/** The groups as a loop, whose words of the key change places each time. */
function rolled(b: Builder, [x, y]: [Value, Value], [k0, k1, k2]: readonly Value[]): Value[] {
  const scalar = (value: number): Value => b.scalar(value, "uint32");
  const results = loop(
    b,
    [scalar(0), x, y, k1, k2, k0],
    ([step]) => b.compare("LT", step, scalar(GROUPS)),
    ([step, left, right, ...words]) => {
      const isEven = b.compare("EQ", b.map("and", step, scalar(1)), scalar(0));
      const rotations = ROTATIONS[0].map((even, i) =>
        b.select(isEven, scalar(even), scalar(ROTATIONS[1][i])),
      );
      const next = b.map("add", step, scalar(1));
      const mixed = group(b, [left, right], rotations, words, next);
      return [next, ...mixed, ...words.slice(1), words[0]];
    },
  );
  return results.slice(1, 3);
}

export const randomLowerings = { threefry2x32 };
