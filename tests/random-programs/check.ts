/** @file One program on an engine, held against the interpreter and what is left open. */

import type { CompileOptions, Engine } from "../../src/engines/engine.ts";
import {
  type DType,
  type HostArray,
  type Program,
  isFloat,
  toNumbers,
} from "../../src/graph/index.ts";
import { interpretProgram } from "../../src/graph/interpret.ts";
import { decode, encode } from "../../src/graph/values.ts";
import { seededRandom } from "../../src/random.ts";
import { loosened } from "./allowance.ts";

/** What is asked of each element. */
export interface Expectation {
  readonly exact: readonly HostArray[];
  /** Adds so many more runs of the loosened program. */
  extend(runs: number): void;
  /** For each output, the runs of the loosened program. */
  readonly runs: readonly (readonly HostArray[])[];
}

/** How a program compared. */
export interface Verdict {
  readonly elements: number;
  /** Elements of which nothing is promised. */
  readonly open: number;
  /** Elements that are promised within a thousandth or less of their array's size, exact ones included. */
  readonly tight: number;
  /** What is wrong, in words; undefined where nothing is. */
  readonly problem?: string;
}

const FIRST_RUNS = 4;
/** Before a difference counts, the allowance is measured again from many more runs. */
const MORE_RUNS = 96;
/** Errors of many primitives add up otherwise than those of a few random runs. */
const MARGIN = 4;

const evaluate = (program: Program, inputs: readonly HostArray[]): HostArray[] =>
  interpretProgram(program, inputs.map(decode)).map(encode);

/** What a program must give on any engine. */
export function expectationOf(
  program: Program,
  inputs: readonly HostArray[],
  { inParts }: { readonly inParts?: boolean } = {},
): Expectation {
  const runs: HostArray[][] = [];
  const extend = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const random = seededRandom("loosened", runs.length);
      runs.push(evaluate(loosened(program, random, inParts), inputs));
    }
  };
  extend(FIRST_RUNS);
  return { exact: evaluate(program, inputs), extend, runs };
}

/** Runs a program once on an engine. */
export async function runOn(
  engine: Engine,
  program: Program,
  inputs: readonly HostArray[],
  shardings?: CompileOptions["shardings"],
): Promise<HostArray[]> {
  using executable = await engine.compile(program, { shardings });
  const given = await Promise.all(
    inputs.map((input, i) => engine.upload(input, shardings?.inputs?.[i])),
  );
  const outputs = await executable.run(given);
  const arrays = await Promise.all(outputs.map((output) => output.read()));
  for (const array of [...outputs, ...given]) array.dispose();
  return arrays;
}

type Kind = "number" | "NaN" | "Infinity" | "-Infinity";
const kindOf = (x: number): Kind => (Number.isFinite(x) ? "number" : (String(x) as Kind));

/** The last place of a number in a dtype; of one below the least normal number, that of the least. */
function lastPlace(x: number, dtype: DType): number {
  const [digits, least] = { float16: [10, 2 ** -14], bfloat16: [7, 2 ** -126] }[
    dtype as string
  ] ?? [23, 2 ** -126];
  return 2 ** (Math.floor(Math.log2(Math.max(Math.abs(x), least))) - digits);
}

/** Subnormal floats may be taken for zero, and moved as they are all the same. */
const mayBeZero = (x: number, dtype: DType): boolean => isFloat(dtype) && Math.abs(x) < 2 ** -126;

/** What an element may be: its value, and how far off; undefined where it is open. */
function allowanceAt(e: number, samples: readonly number[], dtype: DType): number | undefined {
  if (!isFloat(dtype)) return samples.every((s) => s === e) ? 0 : undefined;
  if (samples.some((s) => kindOf(s) !== kindOf(e))) return undefined;
  if (!Number.isFinite(e)) return 0;
  const spread = Math.max(...samples.map((s) => Math.abs(s - e)));
  if (spread === 0) return 0;
  return MARGIN * spread + lastPlace(e, dtype);
}

/** Holds an engine's outputs against what is expected. */
export function compare(actual: readonly HostArray[], expected: Expectation): Verdict {
  const first = compareWith(actual, expected);
  if (!first.problem) return first;
  expected.extend(MORE_RUNS);
  return compareWith(actual, expected);
}

function compareWith(actual: readonly HostArray[], { exact, runs }: Expectation): Verdict {
  let [elements, open, tight] = [0, 0, 0];
  const problems: string[] = [];
  if (actual.length !== exact.length) problems.push(`${actual.length} outputs`);
  exact.forEach((output, k) => {
    const { dtype, shape } = output;
    const given = actual[k];
    if (given.dtype !== dtype || String(given.shape) !== String(shape)) {
      problems.push(`output ${k} is ${given.dtype}[${given.shape}], not ${dtype}[${shape}]`);
      return;
    }
    const [wanted, got] = [toNumbers(output), toNumbers(given)];
    const samples = runs.map((run) => toNumbers(run[k]));
    const size = wanted.reduce((m, x) => (Number.isFinite(x) ? Math.max(m, Math.abs(x)) : m), 0);
    wanted.forEach((e, i) => {
      const list = samples.map((sample) => sample[i]);
      const allowed = allowanceAt(e, list, dtype);
      elements++;
      if (allowed === undefined) open++;
      else if (allowed <= size * 1e-3) tight++;
      if (allowed === undefined) return;
      const isRight = Number.isFinite(e)
        ? Math.abs(got[i] - e) <= allowed || (mayBeZero(got[i], dtype) && mayBeZero(e, dtype))
        : Object.is(got[i], e);
      if (!isRight && problems.length < 4) {
        problems.push(
          `output ${k} (${dtype}[${shape.join(",")}]), element ${i}: ${got[i]}, not ${e} ± ${allowed}`,
        );
      }
    });
  });
  return { elements, open, tight, ...(problems.length > 0 && { problem: problems.join("\n") }) };
}
