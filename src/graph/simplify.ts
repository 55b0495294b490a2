/** @file The simplifier: removes dead and repeated equations, no-ops, and arithmetic with 0 and 1. */

import { type HostArray, sameShape, toNumbers } from "./dtype.ts";
import { interpretProgram } from "./interpret.ts";
import { constant } from "./ops/constant.ts";
import { type Program, collect, isProgram } from "./program.ts";
import { type Attrs, type Equation, Tensor, emit, specOf, withScope } from "./tensor.ts";
import { encode } from "./values.ts";

/** Gives equal things equal names: numbers, lists and plain objects by content, the rest by identity. */
class Interner {
  private readonly identities = new Map<unknown, number>();

  /** The number of an object, the same whenever it comes again. */
  numberOf(value: unknown): number {
    let id = this.identities.get(value);
    if (id === undefined) this.identities.set(value, (id = this.identities.size));
    return id;
  }

  nameOf(value: unknown): string {
    if (typeof value === "function") return `#${this.numberOf(value)}`;
    if (typeof value !== "object" || value === null) return `${typeof value}:${String(value)}`;
    if (Array.isArray(value)) return `[${value.map((item) => this.nameOf(item)).join(",")}]`;
    if (isHostArray(value) && value.data.length <= SMALL) {
      const numbers = toNumbers(value).map((x) => (Object.is(x, -0) ? "-0" : String(x)));
      return `${value.dtype}[${value.shape.join(",")}]${numbers.join(",")}`;
    }
    if (isHostArray(value) || isProgram(value)) return `#${this.numberOf(value)}`;
    const entries = Object.entries(value).map(([key, item]) => `${key}=${this.nameOf(item)}`);
    return `{${entries.join(",")}}`;
  }
}

const SMALL = 16;
const isHostArray = (value: object): value is HostArray => "data" in value && "dtype" in value;
/** The number that a tensor holds everywhere, where that is known. */
export function uniformValue(x: Tensor): number | undefined {
  const { equation } = x;
  if (!equation) return undefined;
  const { primitive, attrs, inputs } = equation;
  if (primitive.name === "constant") {
    const { value } = attrs as { value: HostArray };
    return value.data.length === 1 ? toNumbers(value)[0] : undefined;
  }
  const passes = ["broadcastInDim", "reshape", "transpose", "slice"].includes(primitive.name);
  return passes ? uniformValue(inputs[0]) : undefined;
}

/** A tensor that an equation's only output always equals, if the rules know one. */
function shortcut({ primitive, attrs, inputs, outputs }: Equation): Tensor | undefined {
  const [x, y] = inputs;
  const [out] = outputs;
  const isValue = (t: Tensor, value: number): boolean => uniformValue(t) === value;
  switch (primitive.name) {
    case "stopGradient":
      return x;
    case "reshape":
    case "broadcastInDim":
    case "slice":
      return sameShape(x.shape, out.shape) ? x : undefined;
    case "transpose":
      return (attrs as { permutation: number[] }).permutation.every((axis, i) => axis === i)
        ? x
        : undefined;
    case "add":
      return isValue(y, 0) ? x : isValue(x, 0) ? y : undefined;
    case "sub":
      return isValue(y, 0) ? x : undefined;
    case "mul":
      return isValue(y, 1) ? x : isValue(x, 1) ? y : undefined;
    case "div":
      return isValue(y, 1) ? x : undefined;
    case "neg": {
      const inner = x.equation;
      return inner?.primitive.name === "neg" ? inner.inputs[0] : undefined;
    }
    case "reverse":
      return (attrs as { axes: number[] }).axes.length === 0 ? x : undefined;
    default:
      return undefined;
  }
}

/** Folds an equation over small constants into a constant. Regions are left alone: they may run for long. */
function fold(equation: Equation): Tensor | undefined {
  const { primitive, attrs, inputs, outputs } = equation;
  if (primitive.opaque || outputs.length !== 1 || inputs.length === 0) return undefined;
  if (outputs[0].size > SMALL || primitive.name === "broadcastInDim") return undefined;
  const small = (x: Tensor) => x.equation?.primitive.name === "constant" && x.size <= SMALL;
  if (!inputs.every(small) || Object.values(attrs as object).some(isProgram)) return undefined;
  const equations = [...new Set(inputs.map((x) => x.equation!)), equation];
  const [value] = interpretProgram({ inputs: [], outputs, equations }, []);
  return constant(encode(value));
}

/** Attributes with their inner programs simplified, without the outputs that are not kept. */
function simplifyAttrs(attrs: Attrs, kept: readonly number[], seen: Map<Program, Program>): Attrs {
  const entries = Object.entries(attrs as object);
  if (!entries.some(([, value]) => isProgram(value))) return attrs;
  const simpler = (value: Program): Program => {
    if (kept.length >= value.outputs.length) return simplifyWith(value, seen);
    return simplifyWith({ ...value, outputs: kept.map((i) => value.outputs[i]) }, seen);
  };
  return Object.fromEntries(
    entries.map(([key, value]) => [key, isProgram(value) ? simpler(value) : (value as unknown)]),
  );
}

/**
 * An equivalent program without dead code, repetition and no-ops, over new inputs. Barriers and prints are left as
 * they are, and equations on either side of a barrier are never merged. No input of it, or of a program inside it,
 * has an equation, so that no rewrite here or later sees past a region's border.
 */
export const simplify = (program: Program): Program => simplifyWith(program, new Map());

function simplifyWith(program: Program, seen: Map<Program, Program>): Program {
  const known = seen.get(program);
  if (known) return known;
  const live = collect(program.outputs, new Set(program.inputs)).equations;
  const read = new Set([...program.outputs, ...live.flatMap(({ inputs }) => inputs)]);
  // a capture's name is the outer tensor with its equation, which means nothing in here: new names have none
  const inputs = program.inputs.map((input) => new Tensor(specOf(input)));
  const mapped = new Map<Tensor, Tensor>(program.inputs.map((input, i) => [input, inputs[i]]));
  const interner = new Interner();
  const made = new Map<string, readonly Tensor[]>();
  for (const { primitive, attrs, inputs: before, outputs: after, scope } of live) {
    const operands = before.map((input) => mapped.get(input)!);
    const required = primitive.optionalOutputs?.(attrs as Attrs) ?? after.length;
    const kept = after.map((_, i) => i).filter((i) => i < required || read.has(after[i]));
    const names = operands.map((x) => interner.numberOf(x)).join(",");
    const key = `${primitive.name}(${names})${interner.nameOf(attrs)}${kept.join(",")}`;
    let results = primitive.opaque ? undefined : made.get(key);
    if (!results) {
      results = withScope(scope, () =>
        emit(primitive, operands, simplifyAttrs(attrs as Attrs, kept, seen)),
      );
      const { equation } = results[0];
      const better = results.length === 1 && (shortcut(equation!) ?? fold(equation!));
      if (better) results = [better];
      made.set(key, results);
    }
    kept.forEach((i, k) => mapped.set(after[i], results[k]));
  }
  const outputs = program.outputs.map((output) => mapped.get(output)!);
  const { equations } = collect(outputs, new Set(inputs));
  const result = { inputs, outputs, equations };
  seen.set(program, result);
  return result;
}
