/** @file The contract of engines: compile a program, hold arrays on a device, run. */

import { OcelliError } from "../errors.ts";
import type { DType, HostArray, Shape } from "../graph/dtype.ts";
import type { Sharding } from "../graph/ops/sharding.ts";
import type { Program } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type Spec } from "../graph/tensor.ts";
import { trace } from "../graph/trace.ts";
import { type Tree, flatten, unflatten } from "../tree.ts";
import type { Mesh } from "./mesh.ts";

/** An array in a device's memory. It owns that memory until it is disposed, donated or collected. */
export interface DeviceArray {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Disposed, or donated to an execution: any use throws. */
  readonly disposed: boolean;
  /** How it is split over the engine's mesh; absent without one. */
  readonly sharding?: Sharding;
  /** A copy in host memory, once the computation that makes it is done. */
  read(): Promise<HostArray>;
  /** Frees the memory; a pending read still completes. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** What a run takes: arrays of the host are uploaded for it. */
export type ArrayLike = DeviceArray | HostArray;

/** Options of {@link Engine.compile}. */
export interface CompileOptions {
  /** Which inputs (by position) the caller gives up: their memory may hold outputs, and their handles throw afterwards. */
  readonly donate?: readonly number[];
  /** A name for messages and profiles. */
  readonly name?: string;
  /** How inputs and outputs are split over the engine's mesh; on every device in full where nothing is said. */
  readonly shardings?: {
    readonly inputs?: readonly (Sharding | undefined)[];
    readonly outputs?: readonly (Sharding | undefined)[];
  };
}

/** A compiled program. */
export interface Executable {
  readonly inputs: readonly Spec[];
  readonly outputs: readonly Spec[];
  /** Runs once; outputs may still be pending on the device when the promise of their handles resolves. */
  run(inputs: readonly ArrayLike[]): Promise<DeviceArray[]>;
  dispose(): void;
  [Symbol.dispose](): void;
}

/** Where an engine's process stands among several whose devices make up one mesh. */
export interface ProcessPart {
  readonly processes: number;
  /** Of this process, from 0. */
  readonly index: number;
  /** Places in the mesh of this process's devices, ascending. */
  readonly places: readonly number[];
}

/** Rows of a larger array that a process has. */
export interface Rows {
  /** Which row of the whole the first is. */
  readonly first: number;
  /** Rows of the whole. */
  readonly of: number;
}

/** An engine: compiles programs and runs them natively. */
export interface Engine {
  /** Its short name, as `--engine` takes it. */
  readonly name: string;
  /** What runs underneath, in one line. */
  readonly description: string;
  /** Its devices by named axes, where it computes on several. */
  readonly mesh?: Mesh;
  /** Its part where several processes compute together: each runs the same programs in the same order. */
  readonly part?: ProcessPart;
  compile(program: Program, options?: CompileOptions): Promise<Executable>;
  /**
   * An array on the device; on a mesh split as said, or in full on every device. With `rows`, of several processes each
   * gives its own, and the whole is on the devices of all.
   */
  upload(array: HostArray, sharding?: Sharding, rows?: Rows): Promise<DeviceArray>;
  /** Shows every program that is compiled from now on, in the engine's own language; absent where that is no text. */
  showPrograms?(show: (text: string) => void): void;
  /** For each program on a GPU, operators that the processor computes for want of a kernel there, and how many. */
  readonly fallbacks?: ReadonlyMap<string, Readonly<Record<string, number>>>;
  dispose(): Promise<void>;
}

/** Whether an array lives on a device. */
export const isDeviceArray = (array: ArrayLike): array is DeviceArray => "read" in array;

/** The error for a handle used after its memory was given up. */
export const disposedError = (
  what: string,
  array: Spec,
  how: "disposed" | "donated",
): OcelliError =>
  new OcelliError(
    "disposed",
    `${what}: this ${array.dtype}[${array.shape.join(",")}] was ${how} and can no longer be used.`,
  );

/** Checks the arguments of a run against what the executable takes. */
export function checkInputs(
  name: string,
  expected: readonly Spec[],
  given: readonly ArrayLike[],
): void {
  if (expected.length !== given.length) {
    throw new OcelliError(
      "argument",
      `${name} takes ${expected.length} arrays, not ${given.length}.`,
    );
  }
  expected.forEach((spec, i) => {
    const array = given[i];
    if (array.dtype !== spec.dtype || String(array.shape) !== String(spec.shape)) {
      const show = ({ dtype, shape }: Spec) => `${dtype}[${shape.join(",")}]`;
      throw new OcelliError(
        "shape",
        `${name}: input ${i} is ${show(array)} where ${show(spec)} is taken.`,
      );
    }
    if (isDeviceArray(array) && array.disposed) throw disposedError(name, array, "disposed");
  });
}

/** Options of {@link jit}. */
export interface JitOptions {
  /** Arguments (by position) whose device arrays are donated. */
  readonly donate?: readonly number[];
  readonly name?: string;
  /** How each output is split over the engine's mesh, by its name in the tree; inputs are split as they come. */
  readonly shardOutput?: (name: string, output: Spec) => Sharding | undefined;
}

/** What a function yields on a device: one array for one tensor, else a tree of them. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Result<F extends (...args: any[]) => Tree<Tensor>> =
  ReturnType<F> extends Tensor ? DeviceArray : Tree<DeviceArray>;

/**
 * A function of trees of tensors, compiled on an engine at its first call for each combination of shapes.
 *
 * @example
 * const double = jit(engine, (x: Tensor) => mul(x, 2));
 * const y = await double(hostArray([2], "float32", new Float32Array([1, 2])));
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function jit<F extends (...args: any[]) => Tree<Tensor>>(
  engine: Engine,
  fn: F,
  { donate = [], name = fn.name || "program", shardOutput }: JitOptions = {},
): (...args: Tree<ArrayLike>[]) => Promise<Result<F>> {
  const compiled = new Map<
    string,
    Promise<{ executable: Executable; outputs: ReturnType<typeof trace>["outputs"] }>
  >();
  return async (...args) => {
    const { leaves, structure } = flatten<ArrayLike>(args);
    const inputs = leaves.map((leaf) => (isDeviceArray(leaf) ? leaf.sharding : undefined));
    const types = leaves.map(({ dtype, shape }) => `${dtype}[${shape}]`).join();
    const signature = `${JSON.stringify(structure)}${types}${engine.mesh ? JSON.stringify(inputs) : ""}`;
    let entry = compiled.get(signature);
    if (!entry) {
      const traced = trace(fn, ...(args as Tree<Spec>[]));
      const counts = args.map((arg) => flatten(arg).leaves.length);
      const first = counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0));
      const donated = donate.flatMap((i) =>
        Array.from({ length: counts[i] }, (_, k) => first[i] + k),
      );
      const outputs = traced.program.outputs.map((output, i) =>
        shardOutput?.(traced.outputNames[i], output),
      );
      const shardings = engine.mesh && { inputs, outputs };
      entry = engine
        .compile(traced.program, { donate: donated, name, shardings })
        .then((executable) => ({ executable, outputs: traced.outputs }));
      compiled.set(signature, entry);
      entry.catch(() => compiled.delete(signature));
    }
    const { executable, outputs } = await entry;
    return unflatten(outputs, await executable.run(leaves)) as Result<F>;
  };
}

/**
 * Evaluates an expression without inputs and reads its values: for tests and notebooks.
 *
 * @example
 * await evaluate(engine, add(tensor([1, 2]), 3)); // { shape: [2], dtype: "float32", data: [4, 5] }
 */
export async function evaluate(engine: Engine, expression: Tensor): Promise<HostArray> {
  const { program } = trace(() => expression);
  const executable = await engine.compile(program);
  try {
    const [result] = await executable.run([]);
    const value = await result.read();
    result.dispose();
    return value;
  } finally {
    executable.dispose();
  }
}
