/** @file Builds ONNX graphs: nodes, constants, and layout nodes that are made once and shared. */

import {
  type DType,
  type HostArray,
  type Shape,
  byteSize,
  fromNumbers,
  sameShape,
  sizeOf,
  toNumbers,
} from "../../../graph/dtype.ts";
import { ONNX_DTYPES } from "../../../formats/onnx.ts";
import type { OnnxAttribute, OnnxNode, OnnxValueInfo } from "../../../formats/onnx.ts";
import { type BlockedImage, transposePlanes } from "./images/planes.ts";
import { Sizes } from "./sizes.ts";
import type { Dense } from "./view.ts";

/** Microsoft's operators, which every ONNX Runtime has. */
export const MICROSOFT = "com.microsoft";

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** What a node makes, and how. */
export interface NodeOptions {
  readonly attributes?: Attributes;
  readonly domain?: string;
}

/** What an operator's result looks like. */
export interface ResultOptions extends NodeOptions {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What a graph is built for. */
export interface BuilderOptions {
  /** Names that values made here must not have. */
  readonly reserved?: readonly string[];
  /** How many channels lie in a block where images may lie in blocks; 0 where they may not. */
  readonly block?: number;
  /** The number of the extent that is open; see {@link Sizes}. */
  readonly open?: number;
}

/** Counters and constants that a graph shares with the graphs inside it. */
interface Shared {
  readonly block: number;
  readonly sizes: Sizes;
  /** By the name of a value, the same image in blocks. */
  readonly blocked: Map<string, BlockedImage>;
  names: number;
  /** What nodes are being made for, and how many have been made for each such purpose. */
  purpose: string;
  readonly purposes: Map<string, number>;
  readonly initializers: Record<string, HostArray>;
  readonly scalars: Map<string, Dense>;
  readonly values: Map<string, Dense>;
  /** By the name of a square, what was squared. */
  readonly squares: Map<string, Dense>;
  /** Values that count. */
  readonly ranges: Set<string>;
}

/** One ONNX graph in the making; sub-graphs of control flow are children that see the names of their parents. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly #parent: GraphBuilder | undefined;
  readonly #reserved: ReadonlySet<string>;
  readonly #shared: Shared;
  readonly #layouts = new Map<string, Dense>();
  /** What reshaped values were before. */
  readonly #sources = new Map<string, Dense>();
  /** What half-width floats were before they were widened. */
  readonly #halves = new Map<string, Dense>();
  readonly #made = new Set<string>();
  readonly #owned = new Set<string>();

  constructor({ reserved = [], block = 0, open }: BuilderOptions = {}, parent?: GraphBuilder) {
    this.#parent = parent;
    this.#reserved = new Set(reserved);
    this.#shared = parent
      ? parent.#shared
      : {
          block,
          sizes: new Sizes(open),
          blocked: new Map(),
          names: 0,
          purpose: "",
          purposes: new Map(),
          initializers: {},
          scalars: new Map(),
          values: new Map(),
          squares: new Map(),
          ranges: new Set(),
        };
  }

  /** Constants of the whole model. */
  get initializers(): Readonly<Record<string, HostArray>> {
    return this.#shared.initializers;
  }

  /** What operators with one output read and made, by name. */
  get values(): ReadonlyMap<string, Dense> {
    return this.#shared.values;
  }

  /** The builder of a sub-graph. */
  nested(): GraphBuilder {
    return new GraphBuilder({ reserved: [...this.#reserved] }, this);
  }

  /** How many channels lie in a block where images may lie in blocks; 0 where they may not. */
  get block(): number {
    return this.#shared.block;
  }

  /** What all choices by size ask. */
  get sizes(): Sizes {
    return this.#shared.sizes;
  }

  /** The image that a value [batch, height, width, channels] is, in blocks, if it was made so. */
  blockedOf(x: Dense): BlockedImage | undefined {
    return this.#shared.blocked.get(this.#sourceOf(x).name);
  }

  /** Says that a value [batch, height, width, channels] is an image in blocks. */
  setBlocked(x: Dense, blocked: BlockedImage): void {
    this.#shared.blocked.set(this.#sourceOf(x).name, blocked);
  }

  /** A name that no other value has. */
  fresh(prefix = "v"): string {
    const name = `${prefix}${this.#shared.names++}`;
    return this.#reserved.has(name) ? this.fresh(prefix) : name;
  }

  /** Runs `make` with nodes named after what they are made for, such as "Transformer/encoder_norm/layerNorm". */
  within<T>(purpose: string, make: () => T): T {
    const outer = this.#shared.purpose;
    this.#shared.purpose = purpose;
    try {
      return make();
    } finally {
      this.#shared.purpose = outer;
    }
  }

  /** The name of a node: its purpose, counted from the second node on. */
  #nodeName(): string | undefined {
    const { purpose, purposes } = this.#shared;
    if (purpose === "") return undefined;
    const count = purposes.get(purpose) ?? 0;
    purposes.set(purpose, count + 1);
    return count === 0 ? purpose : `${purpose}_${count}`;
  }

  /** Adds a node with `count` outputs and returns their names. */
  node(opType: string, inputs: readonly string[], count: number, options?: NodeOptions): string[] {
    const outputs = Array.from({ length: count }, () => this.fresh());
    for (const name of outputs) this.#made.add(name);
    this.nodes.push({ opType, name: this.#nodeName(), inputs, outputs, ...options });
    return outputs;
  }

  /** Adds a node with one output. */
  op(opType: string, inputs: readonly (Dense | string)[], options: ResultOptions): Dense {
    const { shape, dtype, attributes, domain } = options;
    const names = inputs.map((x) => (typeof x === "string" ? x : x.name));
    const [name] = this.node(opType, names, 1, { attributes, domain });
    const made = { name, shape, dtype };
    const [first] = inputs;
    if (opType === "Mul" && typeof first !== "string" && names[0] === names[1]) {
      this.#shared.squares.set(name, first);
    }
    for (const x of [...inputs, made])
      if (typeof x !== "string") this.#shared.values.set(x.name, x);
    return made;
  }

  /** A constant, of a name if one is given; where all elements are equal a scalar stands for it (its shape is then []). */
  constant(value: HostArray, given?: string): Dense {
    const { dtype, data } = value;
    const { length } = data as Uint8Array;
    if (length > 0) {
      const first = data[0];
      const isUniform =
        (length < 1 << 16 || this.sizes.isOpen(length)) &&
        (data as Float32Array).every((x) => Object.is(x, first));
      if (isUniform)
        return this.scalar(
          toNumbers({ ...value, data: data.subarray(0, 1) } as HostArray)[0],
          dtype,
        );
    }
    return this.#stored(value, given);
  }

  /** A constant in its own shape. */
  #stored(value: HostArray, given?: string): Dense {
    const name = given ?? this.fresh("c");
    this.#shared.initializers[name] = value;
    return { name, shape: value.shape, dtype: value.dtype };
  }

  /** A scalar constant. */
  scalar(value: number, dtype: DType): Dense {
    const key = `${dtype}:${Object.is(value, -0) ? "-0" : value}`;
    let known = this.#shared.scalars.get(key);
    if (!known) {
      const name = this.fresh("c");
      this.#shared.initializers[name] = fromNumbers([value], [], dtype);
      known = { name, shape: [], dtype, uniform: value };
      this.#shared.scalars.set(key, known);
    }
    return known;
  }

  /** A one-dimensional int64 constant, as operators take axes and shapes. */
  ints(values: readonly number[]): string {
    const key = `ints:${values.join()}`;
    let known = this.#shared.scalars.get(key);
    if (!known) {
      const name = this.fresh("c");
      this.#shared.initializers[name] = fromNumbers(values, [values.length], "int64");
      known = { name, shape: [values.length], dtype: "int64" };
      this.#shared.scalars.set(key, known);
    }
    return known.name;
  }

  /** The same elements under another ONNX shape. */
  reshape(x: Dense, shape: Shape): Dense {
    if (sameShape(x.shape, shape)) return x;
    const source = this.#sourceOf(x);
    if (sameShape(source.shape, shape)) return source;
    return this.once(`reshape:${source.name}:${shape.join()}`, () => {
      const made = this.op("Reshape", [source, this.ints(shape)], { ...source, shape });
      this.#sources.set(made.name, source);
      return made;
    });
  }

  #sourceOf(x: Dense): Dense {
    return this.#sources.get(x.name) ?? (this.#parent ? this.#parent.#sourceOf(x) : x);
  }

  /** Axes in another order; neighbours that stay neighbours travel as one. */
  transpose(x: Dense, permutation: readonly number[]): Dense {
    if (permutation.every((axis, i) => axis === i)) return x;
    const planar = transposePlanes(this, x, permutation);
    if (planar) return planar;
    const groups: number[][] = [];
    for (const axis of permutation) {
      const last = groups.at(-1);
      if (last?.at(-1) === axis - 1) last.push(axis);
      else groups.push([axis]);
    }
    const order = [...groups].sort((a, b) => a[0] - b[0]);
    const extents = (list: readonly number[][]) =>
      list.map((group) => sizeOf(group.map((axis) => x.shape[axis])));
    const merged = this.reshape(x, extents(order));
    const perm = groups.map((group) => order.indexOf(group));
    const moved = this.once(`transpose:${merged.name}:${perm.join()}`, () =>
      this.op("Transpose", [merged], {
        shape: extents(groups),
        dtype: x.dtype,
        attributes: { perm: { ints: perm } },
      }),
    );
    return this.reshape(
      moved,
      permutation.map((axis) => x.shape[axis]),
    );
  }

  /** Axes of extent 1 stretched, the elements repeated. */
  expand(x: Dense, shape: Shape): Dense {
    if (sameShape(x.shape, shape)) return x;
    return this.once(`expand:${x.name}:${shape.join()}`, () =>
      this.op("Expand", [x, this.ints(shape)], { shape, dtype: x.dtype }),
    );
  }

  /** ONNX's conversion, whose results are defined only for numbers that fit. */
  cast(x: Dense, dtype: DType): Dense {
    if (x.dtype === dtype) return x;
    const half = this.#halfOf(x);
    if (half?.dtype === dtype) return half;
    return this.once(`cast:${x.name}:${dtype}`, () => {
      const made = this.op("Cast", [x], {
        shape: x.shape,
        dtype,
        attributes: { to: { i: ONNX_DTYPES[dtype] } },
      });
      if (byteSize(x.dtype) === 2 && dtype === "float32") this.#halves.set(made.name, x);
      return made;
    });
  }

  /** A value under a given name: that of an output. */
  named(x: Dense, name: string): Dense {
    this.nodes.push({ opType: "Identity", inputs: [x.name], outputs: [name] });
    return { ...x, name };
  }

  #halfOf(x: Dense): Dense | undefined {
    return this.#halves.get(x.name) ?? (this.#parent ? this.#parent.#halfOf(x) : undefined);
  }

  /** The value that was multiplied by itself to make another, if that is how it was made. */
  squareRoot(x: Dense): Dense | undefined {
    return this.#shared.squares.get(this.#sourceOf(x).name);
  }

  /** A value made by a node of this graph, and not yet taken: captured, constant and repeated ones are copied. */
  own(x: Dense): Dense {
    const isOurs = this.#made.has(x.name) && !this.#owned.has(x.name);
    const made = isOurs ? x : this.op("Identity", [x], x);
    this.#owned.add(made.name);
    return made;
  }

  /** A float value times a number. */
  scaled(x: Dense, scale: number): Dense {
    if (scale === 1) return x;
    if (x.uniform !== undefined) return this.scalar(Math.fround(x.uniform * scale), x.dtype);
    return this.once(`scaled:${x.name}:${scale}`, () =>
      scale === -1
        ? this.op("Neg", [x], { shape: x.shape, dtype: x.dtype })
        : this.op("Mul", [x, this.scalar(scale, x.dtype)], { shape: x.shape, dtype: x.dtype }),
    );
  }

  /** 0, 1, …, n − 1. */
  range(n: number, dtype: DType): Dense {
    return this.once(`range:${n}:${dtype}`, () => {
      if (!this.sizes.exceeds(n, SMALL_RANGE)) {
        const counted = Array.from({ length: n }, (_, i) => i);
        return this.#stored(fromNumbers(counted, [n], dtype)); // an axis, even where it has one place
      }
      const counter: DType = dtype === "float32" || dtype === "int64" ? dtype : "int32";
      const ends = [0, n, 1].map((value) => this.scalar(value, counter));
      const made = this.cast(this.op("Range", ends, { shape: [n], dtype: counter }), dtype);
      this.#shared.ranges.add(made.name);
      return made;
    });
  }

  /** Whether a value is a computed {@link range}. */
  isRange(x: Dense): boolean {
    return this.#shared.ranges.has(this.#sourceOf(x).name);
  }

  /** A layout node made once here or in a parent. */
  once(key: string, make: () => Dense): Dense {
    const known = this.#find(key);
    if (known) return known;
    const made = make();
    this.#layouts.set(key, made);
    return made;
  }

  #find(key: string): Dense | undefined {
    return this.#layouts.get(key) ?? (this.#parent ? this.#parent.#find(key) : undefined);
  }
}

/** Counting constants up to this length are stored, longer ones computed. */
const SMALL_RANGE = 1024;

/** The description of a value for a graph's inputs and outputs. */
export const valueInfo = ({ name, shape, dtype }: Dense): OnnxValueInfo => ({ name, shape, dtype });
