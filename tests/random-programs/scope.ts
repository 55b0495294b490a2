/** @file What a step may be drawn from: the values before it, new inputs, and random choices. */

import type { DType, Shape, Spec } from "../../src/graph/index.ts";
import { sameShape, sizeOf } from "../../src/graph/dtype.ts";
import type { Random } from "../../src/random.ts";
import { type Drawing, drawNumbers } from "./numbers.ts";
import type { Block, Input, Step, Typed } from "./plan.ts";

/** The dtypes that every engine has. */
export const EVERY: readonly DType[] = [
  "float32",
  "float16",
  "bfloat16",
  "int32",
  "uint32",
  "uint8",
  "bool",
];
export const FLOATS: readonly DType[] = ["float32", "float16", "bfloat16"];
export const INTEGERS: readonly DType[] = ["int32", "uint32", "uint8"];
export const NUMBERS: readonly DType[] = [...FLOATS, ...INTEGERS];

/** Elements of the largest value that a step may make. */
export const LARGEST = 200;

/** What is wanted of an operand. */
export interface Wanted {
  readonly dtypes?: readonly DType[];
  readonly minRank?: number;
  readonly maxRank?: number;
  readonly fits?: (spec: Spec) => boolean;
}

/** What all scopes of a plan share. */
export interface Shared {
  readonly random: Random;
  readonly inputs: Input[];
  nextId: number;
  /** Whether inputs hold infinities, NaN, subnormals and extremes. */
  readonly special: boolean;
  /** Whether some arrays are longer than the vectors of processors, with a rest. */
  readonly long: boolean;
  /** Adds steps to a scope until it has so many more. */
  fill(scope: Scope, steps: number): void;
  /** Adds one step; its results, or nothing where it cannot be made. */
  add(scope: Scope, op: string, choice: Pick<Step, "args" | "attrs" | "blocks">): readonly Typed[];
}

/** How a scope differs from the one around it. */
interface Manner {
  /** Whether gradients go through it. */
  readonly smooth: boolean;
  /** How many blocks lie around it. */
  readonly depth: number;
}

/** The values that a step may read, oldest first, and the steps made so far. */
export class Scope {
  readonly shared: Shared;
  readonly visible: Typed[];
  readonly steps: Step[] = [];
  readonly manner: Manner;

  constructor(shared: Shared, visible: readonly Typed[], manner: Manner) {
    this.shared = shared;
    this.visible = [...visible];
    this.manner = manner;
  }

  /** A whole number in [low, high). */
  below(high: number, low = 0): number {
    return this.shared.random.integer(low, high);
  }

  chance(p: number): boolean {
    return this.shared.random.uniform() < p;
  }

  choose<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** 0 … n − 1 in a random order. */
  order(n: number): number[] {
    const rest = Array.from({ length: n }, (_, i) => i);
    return Array.from({ length: n }, () => rest.splice(this.below(rest.length), 1)[0]);
  }

  /** Some of 0 … n − 1, ascending. */
  some(n: number, p = 0.5): number[] {
    return Array.from({ length: n }, (_, i) => i).filter(() => this.chance(p));
  }

  extent(): number {
    const u = this.shared.random.uniform();
    return u < 0.03 ? 0 : u < 0.2 ? 1 : 2 + this.below(4);
  }

  shape(minRank = 0, maxRank = 4): Shape {
    const rank = minRank + Math.min(this.below(maxRank - minRank + 1), this.below(4));
    const shape = Array.from({ length: rank }, () => this.extent());
    if (this.shared.long && rank > 0 && this.chance(0.8)) {
      return shape.map((n, i) => (i === rank - 1 ? 17 + this.below(80) : Math.min(n, 1)));
    }
    return sizeOf(shape) > LARGEST / 2 ? shape.map((n) => Math.min(n, 2)) : shape;
  }

  spec(id: number): Typed {
    const found = this.visible.find((value) => value.id === id);
    return found ?? this.shared.inputs.find((value) => value.id === id)!;
  }

  /** A new input of the plan. */
  input({ shape, dtype }: Spec, drawing: Drawing = {}): number {
    const { random, inputs, special } = this.shared;
    const id = this.shared.nextId++;
    inputs.push({ id, shape, dtype, values: drawNumbers(random, shape, dtype, special, drawing) });
    this.visible.push({ id, shape, dtype });
    return id;
  }

  /** A value that is wanted: late ones before early ones, else a new input. */
  pick({ dtypes = EVERY, minRank = 0, maxRank = 4, fits = () => true }: Wanted = {}): Typed {
    const suits = (spec: Spec): boolean =>
      dtypes.includes(spec.dtype) &&
      spec.shape.length >= minRank &&
      spec.shape.length <= maxRank &&
      fits(spec);
    const found = this.visible.filter(suits);
    if (found.length > 0 && this.chance(0.9)) {
      return found[found.length - 1 - Math.min(this.below(found.length), this.below(found.length))];
    }
    for (let attempt = 0; ; attempt++) {
      const common = dtypes.includes("float32") && this.chance(0.5);
      const dtype = common ? "float32" : this.choose(dtypes);
      const drawn = this.shape(minRank, maxRank);
      const shape = attempt > 20 ? drawn.map(() => 2) : drawn;
      if (suits({ shape, dtype })) return this.spec(this.input({ shape, dtype }));
      if (attempt > 40) return found.length > 0 ? this.choose(found) : fail();
    }
  }

  /** A value of exactly this shape and dtype: one that is there, else a new input. */
  like({ shape, dtype }: Spec): number {
    const found = this.visible.filter((v) => v.dtype === dtype && sameShape(v.shape, shape));
    if (found.length > 0 && this.chance(0.7)) return this.choose(found).id;
    return this.input({ shape, dtype });
  }

  /** A value of this shape and dtype that the block itself made where there is one; a constant where there is none. */
  matching({ shape, dtype }: Spec): number {
    const made = this.steps.flatMap(({ outs }) => outs);
    for (const list of [made, this.visible]) {
      const found = list.filter((v) => v.dtype === dtype && sameShape(v.shape, shape));
      if (found.length > 0) return found.at(-1 - this.below(Math.min(found.length, 2)))!.id;
    }
    const attrs = { shape, dtype, value: 1 };
    return this.shared.add(this, "full", { args: [], attrs, blocks: [] })[0].id;
  }

  /**
   * A block over parameters. `finish` says what it returns.
   *
   * @param closed whether it reads nothing around it
   */
  block(
    params: readonly Spec[],
    finish: (inner: Scope) => readonly number[],
    { smooth = false, closed = false }: { smooth?: boolean; closed?: boolean } = {},
  ): Block {
    const { shared, manner } = this;
    const own = params.map(({ shape, dtype }) => ({ id: shared.nextId++, shape, dtype }));
    const inner = new Scope(shared, closed ? own : [...this.visible, ...own], {
      smooth: smooth || manner.smooth,
      depth: manner.depth + 1,
    });
    shared.fill(inner, 1 + this.below(4));
    const results = finish(inner);
    return { params: own, steps: inner.steps, results };
  }

  /** A few values to return: results of the block's own steps that nobody reads, else whatever there is. */
  returned(count: number, dtypes: readonly DType[] = EVERY): number[] {
    const made = this.steps.flatMap(({ outs }) => outs).filter((v) => dtypes.includes(v.dtype));
    const pool = made.length > 0 ? made : this.visible.filter((v) => dtypes.includes(v.dtype));
    const read = new Set(this.steps.flatMap(({ args }) => args));
    const ends = pool.filter(({ id }) => !read.has(id));
    const chosen = [...ends.slice(-count), ...pool.slice(-1)].map(({ id }) => id);
    return [...new Set(chosen)].slice(0, Math.max(count, 1));
  }
}

const fail = (): never => {
  throw new Error("no operand fits, and none can be drawn");
};
