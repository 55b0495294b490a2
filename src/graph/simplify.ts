/** @file The simplifier: removes dead and repeated equations, no-ops, and arithmetic with 0 and 1. */

import { type HostArray, isFloat, sameShape, toNumbers } from "./dtype.ts";
import { interpretProgram } from "./interpret.ts";
import { type Program, collect } from "./program.ts";
import type { Tensor} from "./tensor.ts";
import { type Attrs, type Equation, emit, withScope } from "./tensor.ts";
import { encode } from "./values.ts";

/** Tells equal equations apart cheaply: objects by identity, the rest by content. */
class Interner {
  private readonly objects = new Map<object, number>();

  identify(value: unknown): string {
    if (typeof value !== "object" || value === null) return `${typeof value}:${String(value)}`;
    if (Array.isArray(value)) return `[${value.map((item) => this.identify(item)).join(",")}]`;
    const proto: unknown = Object.getPrototypeOf(value);
    if (proto === Object.prototype && !("equations" in value) && !("data" in value)) {
      const entries = Object.entries(value).map(([k, v]) => `${k}=${this.identify(v)}`);
      return `{${entries.join(",")}}`;
    }
    if ("data" in value && (value as HostArray).data.length <= 16) {
      const { dtype, shape, data } = value as HostArray;
      return `${dtype}[${shape.join(",")}]${Array.from(data as Float32Array, (x) => (Object.is(x, -0) ? "-0" : String(x))).join(",")}`;
    }
    let id = this.objects.get(value);
    if (id === undefined) this.objects.set(value, (id = this.objects.size));
    return `#${id}`;
  }
}

/** The number that a tensor holds everywhere, where that is known. */
function uniformValue(x: Tensor): number | undefined {
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
      return isValue(y, 1) && isFloat(x.dtype) ? x : undefined;
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

const FOLDABLE_SIZE = 16;

/** Folds an equation over small constants into a constant. */
function fold(equation: Equation): HostArray | undefined {
  const { primitive, inputs, outputs } = equation;
  if (primitive.opaque || outputs.length !== 1 || inputs.length === 0) return undefined;
  if (outputs[0].size > FOLDABLE_SIZE || primitive.name === "broadcastInDim") return undefined;
  if (inputs.some((x) => x.equation?.primitive.name !== "constant" || x.size > FOLDABLE_SIZE))
    return undefined;
  const equations = [...inputs.map((x) => x.equation!), equation];
  const unique = [...new Set(equations)];
  return encode(interpretProgram({ inputs: [], outputs, equations: unique }, [])[0]);
}

const isRegion = (value: unknown): value is Program =>
  typeof value === "object" && value !== null && "equations" in value;

/** Attributes with their inner programs simplified. */
function simplifyAttrs(attrs: Attrs, seen: Map<Program, Program>): Attrs {
  const entries = Object.entries(attrs as object);
  if (!entries.some(([, value]) => isRegion(value))) return attrs;
  return Object.fromEntries(
    entries.map(([key, value]) => [
      key,
      isRegion(value) ? simplifyWith(value, seen) : (value as unknown),
    ]),
  );
}

/**
 * An equivalent program without dead code, repetition and no-ops. Barriers and prints are left as they are,
 * and equations on either side of a barrier are never merged.
 */
export const simplify = (program: Program): Program => simplifyWith(program, new Map());

function simplifyWith(program: Program, seen: Map<Program, Program>): Program {
  const known = seen.get(program);
  if (known) return known;
  const live = collect(program.outputs, new Set(program.inputs)).equations;
  const interner = new Interner();
  const mapped = new Map<Tensor, Tensor>(program.inputs.map((input) => [input, input]));
  const identities = new Map<Tensor, number>();
  const identify = (tensor: Tensor): number => {
    let id = identities.get(tensor);
    if (id === undefined) identities.set(tensor, (id = identities.size));
    return id;
  };
  const made = new Map<string, Tensor[]>();
  const primitiveOf = new Map<string, Equation["primitive"]>();
  const rebuild = ({ primitive, attrs, scope }: Equation, inputs: Tensor[]): Tensor[] => {
    const key = primitive.opaque
      ? undefined
      : `${primitive.name}(${inputs.map(identify).join(",")})${interner.identify(attrs)}`;
    const twin = key === undefined ? undefined : made.get(key);
    if (twin) return twin;
    const outputs = withScope(scope, () =>
      emit(primitive, inputs, simplifyAttrs(attrs as Attrs, seen)),
    );
    const { equation } = outputs[0];
    const same = outputs.length === 1 ? shortcut(equation!) : undefined;
    const folded = same ? undefined : fold(equation!);
    const constantPrimitive = primitiveOf.get("constant");
    const result = same
      ? [same]
      : folded && constantPrimitive
        ? emit(constantPrimitive, [], { value: folded })
        : outputs;
    if (key !== undefined) made.set(key, result);
    return result;
  };
  for (const equation of live) {
    if (equation.primitive.name === "constant") primitiveOf.set("constant", equation.primitive);
    const inputs = equation.inputs.map((input) => mapped.get(input)!);
    rebuild(equation, inputs).forEach((output, i) => mapped.set(equation.outputs[i], output));
  }
  const outputs = program.outputs.map((output) => mapped.get(output)!);
  const { equations } = collect(outputs, new Set(program.inputs));
  const result = { inputs: program.inputs, outputs, equations };
  seen.set(program, result);
  return result;
}
