/** @file Writes operations of a StableHLO function in MLIR's generic form, with locations. */

import {
  type DType,
  type HostArray,
  type Shape,
  fromNumbers,
  sameShape,
} from "../../../graph/dtype.ts";
import type { Spec } from "../../../graph/tensor.ts";
import type { Mesh } from "../../mesh.ts";
import type { Target } from "../target.ts";
import { denseLiteral, i64s, list, quote, typeOf } from "./text.ts";

/** A value by its name in the text. */
export interface Value extends Spec {
  readonly name: string;
}

/** Attributes by name, as text. */
export type Attributes = Readonly<Record<string, string>>;

/** A value to be shown after each run. */
export interface Print {
  readonly label: string;
  readonly value: Value;
}

/** The body of a function while it is written. */
export class Builder {
  readonly target: Target;
  /** The devices that the program is split over; undefined for one. */
  readonly mesh: Mesh | undefined;
  /** What {@link debugPrint} equations show: further outputs of the function. */
  readonly prints: Print[] = [];
  /** How operations that could be written in two ways were written, a line each. */
  readonly notes = new Set<string>();
  #lines: string[] = [];
  #next = 0;
  #location = "";
  readonly #locations = new Map<string, string>();

  constructor(target: Target, mesh?: Mesh) {
    this.target = target;
    this.mesh = mesh;
  }

  /** Labels what `write` emits with a name scope. */
  within<T>(scope: string, write: () => T): T {
    const outer = this.#location;
    this.#location = scope ? this.#locate(scope) : outer;
    try {
      return write();
    } finally {
      this.#location = outer;
    }
  }

  #locate(scope: string): string {
    let alias = this.#locations.get(scope);
    if (!alias) this.#locations.set(scope, (alias = `#loc${this.#locations.size}`));
    return ` loc(${alias})`;
  }

  #names(outputs: readonly Spec[]): { left: string; values: Value[] } {
    const base = `%${this.#next++}`;
    const values = outputs.map(({ shape, dtype }, i) => ({
      name: outputs.length === 1 ? base : `${base}#${i}`,
      shape,
      dtype,
    }));
    return { left: outputs.length === 1 ? base : `${base}:${outputs.length}`, values };
  }

  /** An operation with any number of results. */
  op(
    name: string,
    inputs: readonly Value[],
    outputs: readonly Spec[],
    attributes: Attributes = {},
    regions: readonly string[] = [],
  ): Value[] {
    const { left, values } = this.#names(outputs);
    const operands = inputs.map((x) => x.name).join(", ");
    const entries = Object.entries(attributes).map(([key, value]) => `${key} = ${value}`);
    const attrs = entries.length > 0 ? ` {${entries.join(", ")}}` : "";
    const nested = regions.length > 0 ? ` (${regions.join(", ")})` : "";
    const from = inputs.map(typeOf).join(", ");
    const to = outputs.map(typeOf).join(", ");
    const result = outputs.length === 1 ? to : `(${to})`;
    this.#lines.push(
      `${left} = "${name}"(${operands})${nested}${attrs} : (${from}) -> ${result}${this.#location}`,
    );
    return values;
  }

  /** An operation of the stablehlo dialect with one result. */
  one(
    name: string,
    inputs: readonly Value[],
    output: Spec,
    attributes?: Attributes,
    regions?: readonly string[],
  ): Value {
    return this.op(`stablehlo.${name}`, inputs, [output], attributes, regions)[0];
  }

  /** An elementwise operation whose result is like its first operand. */
  map(name: string, ...inputs: readonly Value[]): Value {
    return this.one(name, inputs, inputs[0]);
  }

  /** A block with parameters; what `write` returns is what the block returns. */
  region(parameters: readonly Spec[], write: (args: Value[]) => readonly Value[]): string {
    const outer = this.#lines;
    this.#lines = [];
    const args = parameters.map(({ shape, dtype }) => ({ name: `%${this.#next++}`, shape, dtype }));
    const results = write(args);
    const head = args.map((arg) => `${arg.name}: ${typeOf(arg)}`).join(", ");
    const names = results.map((x) => x.name).join(", ");
    const body = this.#lines.join("\n");
    this.#lines = outer;
    const returned = `"stablehlo.return"(${names}) : (${results.map(typeOf).join(", ")}) -> ()`;
    return `{\n^bb0${head ? `(${head})` : ""}:\n${body}\n${returned}\n}`;
  }

  /** A constant array. */
  constant(value: HostArray): Value {
    if (value.dtype === "bool" && value.data.length > 1) {
      const bytes = this.constant({ ...value, dtype: "uint8" });
      return this.convert(bytes, "bool");
    }
    return this.one("constant", [], value, { value: denseLiteral(value) });
  }

  /** A constant scalar. */
  scalar(value: number, dtype: DType): Value {
    return this.constant(fromNumbers([value], [], dtype));
  }

  /** One number in every element. */
  full({ shape, dtype }: Spec, value: number): Value {
    return this.broadcast(this.scalar(value, dtype), shape, []);
  }

  convert(x: Value, dtype: DType): Value {
    return x.dtype === dtype ? x : this.one("convert", [x], { shape: x.shape, dtype });
  }

  reshape(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.one("reshape", [x], { shape, dtype: x.dtype });
  }

  transpose(x: Value, permutation: readonly number[]): Value {
    if (permutation.every((axis, i) => axis === i)) return x;
    const shape = permutation.map((axis) => x.shape[axis]);
    return this.one(
      "transpose",
      [x],
      { shape, dtype: x.dtype },
      { permutation: i64s(permutation) },
    );
  }

  broadcast(x: Value, shape: Shape, axes: readonly number[]): Value {
    if (sameShape(x.shape, shape)) return x;
    const attributes = { broadcast_dimensions: i64s(axes) };
    return this.one("broadcast_in_dim", [x], { shape, dtype: x.dtype }, attributes);
  }

  compare(direction: string, x: Value, y: Value): Value {
    const attributes = { comparison_direction: `#stablehlo<comparison_direction ${direction}>` };
    return this.one("compare", [x, y], { shape: x.shape, dtype: "bool" }, attributes);
  }

  select(predicate: Value, x: Value, y: Value): Value {
    return this.one("select", [predicate, x, y], x);
  }

  /** The function's text, and the locations that it names. */
  finish(results: readonly Value[]): { body: string; locations: string } {
    const names = results.map((x) => x.name).join(", ");
    const types = results.map(typeOf).join(", ");
    const returned = results.length > 0 ? `return ${names} : ${types}` : "return";
    const locations = [...this.#locations].map(
      ([scope, alias]) => `${alias} = loc(${quote(scope)})`,
    );
    return { body: [...this.#lines, returned].join("\n"), locations: locations.join("\n") };
  }
}

/** `[1, 2]` of dimension numbers, for attributes that hold several lists. */
export const dimensions = (
  kind: string,
  lists: Readonly<Record<string, readonly number[] | number>>,
): string => {
  const entries = Object.entries(lists).map(
    ([name, value]) => `${name} = ${typeof value === "number" ? value : list(value)}`,
  );
  return `#stablehlo.${kind}<${entries.join(", ")}>`;
};
