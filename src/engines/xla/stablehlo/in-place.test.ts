/** @file Updates in place: the parameters are computed from the moment that was stored, where that changes nothing. */

import { describe, expect, it } from "vitest";
import {
  type Tensor,
  add,
  hostArray,
  mul,
  reduceSum,
  select,
  sub,
  trace,
} from "../../../graph/index.ts";
import { interpretProgram } from "../../../graph/interpret.ts";
import type { Program } from "../../../graph/program.ts";
import { simplify } from "../../../graph/simplify.ts";
import { decode, encode } from "../../../graph/values.ts";
import { storeBeforeUse } from "./in-place.ts";

const SIZE = 3;
const spec = { shape: [SIZE], dtype: "float32" } as const;
const taken = { shape: [SIZE], dtype: "bool" } as const;
const DONATED = new Set([0, 1]);

type Step = (m: Tensor, p: Tensor, g: Tensor, goes: Tensor) => Tensor[];

const programOf = (step: Step): Program =>
  simplify(
    trace((...xs: Tensor[]) => step(...(xs as Parameters<Step>)), spec, spec, spec, taken).program,
  );

const momentum: Step = (m, p, g, goes) => {
  const next = add(mul(m, 0.9), g);
  return [select(goes, next, m), select(goes, sub(p, mul(next, 0.1)), p)];
};

/** The names of the primitives that lead to an output, the inputs' end included. */
const chain = (x: Tensor): string[] => {
  const { equation } = x;
  if (!equation) return [];
  return [equation.primitive.name, ...equation.inputs.flatMap(chain)];
};

describe("a moment that is stored and read", () => {
  it("is read from where it is stored", () => {
    const program = storeBeforeUse(programOf(momentum), DONATED);
    const [moment, parameter] = program.outputs;
    expect(moment.equation?.primitive.name).toBe("barrier");
    expect(moment.equation?.inputs[0].equation?.primitive.name).toBe("select");
    expect(chain(parameter).filter((name) => name === "barrier")).toHaveLength(1);
  });

  it.each([[[1, 1, 1]], [[0, 0, 0]], [[1, 0, 1]]])(
    "gives the same numbers where taken is %j",
    (goes) => {
      const numbers = [
        [1, 2, 3],
        [4, 5, 6],
        [0.5, -1, 2],
      ];
      const inputs = [
        ...numbers.map((data) => hostArray([SIZE], "float32", Float32Array.from(data))),
        hostArray([SIZE], "bool", Uint8Array.from(goes)),
      ];
      const program = programOf(momentum);
      const run = (which: Program) =>
        interpretProgram(which, inputs.map(decode)).map((value) => [...encode(value).data]);
      expect(run(storeBeforeUse(program, DONATED))).toEqual(run(program));
    },
  );

  const untouched: Record<string, Step> = {
    "its new value is an output too": (m, p, g, goes) => {
      const next = add(mul(m, 0.9), g);
      return [select(goes, next, m), next, select(goes, sub(p, next), p)];
    },
    "its new value is summed": (m, p, g, goes) => {
      const next = add(mul(m, 0.9), g);
      return [select(goes, next, m), add(p, reduceSum(next))];
    },
    "another one is taken where it is left": (m, p, g, goes) => {
      const next = add(mul(m, 0.9), g);
      return [select(goes, next, m), select(goes, p, next)];
    },
    "nothing else reads its new value": (m, p, g, goes) => [select(goes, add(m, g), m), p],
  };
  it.each(Object.entries(untouched))("is left alone where %s", (_name, step) => {
    const program = programOf(step);
    expect(storeBeforeUse(program, DONATED)).toBe(program);
  });

  it("is left alone where it is not donated", () => {
    const program = programOf(momentum);
    expect(storeBeforeUse(program, new Set([1]))).toBe(program);
  });
});
