import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Tensor, randomKey, toNumbers } from "../graph/index.ts";
import { initialise } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { resnet } from "./resnet.ts";

const engine = createInterpreter();
const image = { shape: [1, 32, 32, 3], dtype: "float32" } as const;

test.each([
  [true, 0],
  [false, 1],
])(
  "zeroInitLast %j: the last scale of a block begins at %i, the others at 1",
  async (zeroInitLast, last) => {
    const model = resnet({ width: 0.125, depth: [1, 1], numClasses: 2, zeroInitLast });
    const params = toFlat<Tensor>(initialise(model, randomKey(0), image).params);
    const scales = Object.entries(params).filter(([name]) => name.endsWith("/norm/scale"));
    expect(scales.filter(([name]) => name.includes("/widen/"))).toHaveLength(2);
    for (const [name, scale] of scales) {
      const expected = name.includes("/widen/") ? last : 1;
      expect(new Set(toNumbers(await evaluate(engine, scale))), name).toEqual(new Set([expected]));
    }
  },
);
