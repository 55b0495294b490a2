/** @file Which scans are unrolled, and which are taken several steps at a time. */

import { type ScanAttrs, scan } from "../../../../graph/ops/scan.ts";
import { reshape } from "../../../../graph/ops/shape.ts";
import { concatenate, sliceAxis, stack } from "../../../../graph/ops/slice.ts";
import { type Program, replay } from "../../../../graph/program.ts";
import type { Tensor } from "../../../../graph/tensor.ts";

/** Up to this many steps and equations, scans are unrolled: no calls per step, and products see whole views. */
const MAX_STEPS = 32;
const MAX_EQUATIONS = 8192;

/** Whether a scan becomes one step after another in the graph around it. */
export const isUnrolled = ({ program, length }: ScanAttrs): boolean =>
  length <= MAX_STEPS && length * equationsOf(program) <= MAX_EQUATIONS;

/** The equations of a program, those of the scans inside it once a step where they will be unrolled too. */
function equationsOf({ equations }: Program): number {
  return equations.reduce((sum, { primitive, attrs }) => {
    if (primitive.name !== "scan") return sum + 1;
    const { program, length } = attrs as ScanAttrs;
    return sum + equationsOf(program) * (isUnrolled(attrs as ScanAttrs) ? length : 1);
  }, 0);
}

/** Steps of a loop that are taken together, and the elements of a state from which that pays. */
const GROUP = 16;
const LARGE_STATE = 1 << 16;

/**
 * Whether a long scan goes by groups of steps: where it writes into a large state, as into a cache of keys and values. ONNX
 * Runtime copies what a loop hands to its body before it is written to; within a group every step but the first writes in place.
 */
export function isGrouped(attrs: ScanAttrs): boolean {
  const { program, carries, length } = attrs;
  if (isUnrolled(attrs) || length <= GROUP || GROUP * equationsOf(program) > MAX_EQUATIONS)
    return false;
  const states = new Set(
    program.inputs.slice(0, carries).filter(({ size }) => size >= LARGE_STATE),
  );
  return program.equations.some(
    ({ primitive, inputs }) => primitive.name === "dynamicUpdateSlice" && states.has(inputs[0]),
  );
}

/** A scan as one over groups of steps, and another one over those that are left. */
export function scanInGroups(attrs: ScanAttrs, operands: readonly Tensor[]): Tensor[] {
  const { program, carries, xs, length, reverse } = attrs;
  const captured = operands.slice(carries + xs);
  const count = Math.floor(length / GROUP);
  const rest = length - count * GROUP;
  const [from, to] = reverse ? [rest, length] : [0, length - rest];
  const sequences = operands.slice(carries, carries + xs);
  const part = (start: number, end: number) => sequences.map((x) => sliceAxis(x, 0, start, end));
  const step = (carry: readonly Tensor[], rows: readonly Tensor[]) => {
    const results = replay(program, [...carry, ...rows, ...captured]);
    return { carry: results.slice(0, carries), ys: results.slice(carries) };
  };
  const groups = part(from, to).map((x) => reshape(x, [count, GROUP, ...x.shape.slice(1)]));
  const grouped = scan(
    (initial, group) => {
      let carry: readonly Tensor[] = initial;
      const ys: Tensor[][] = program.outputs.slice(carries).map(() => []);
      for (let i = 0; i < GROUP; i++) {
        const at = reverse ? GROUP - 1 - i : i;
        const rows = group.map((x) => reshape(sliceAxis(x, 0, at, at + 1), x.shape.slice(1)));
        const made = step(carry, rows);
        carry = made.carry;
        made.ys.forEach((y, k) => (ys[k][at] = y));
      }
      return { carry, ys: ys.map((list) => stack(list)) };
    },
    operands.slice(0, carries),
    groups,
    { length: count, reverse },
  );
  const left = reverse ? part(0, rest) : part(to, length);
  const last = scan(step, grouped.carry, left, { length: rest, reverse });
  const ys = grouped.ys.map((y, k) => {
    const whole = reshape(y, [count * GROUP, ...y.shape.slice(2)]);
    return concatenate(reverse ? [last.ys[k], whole] : [whole, last.ys[k]]);
  });
  return [...last.carry, ...ys];
}
