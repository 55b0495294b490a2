/** @file The reference engine: programs run in plain TypeScript, for tests and for explaining. */

import type { HostArray } from "../../graph/dtype.ts";
import { interpretProgram } from "../../graph/interpret.ts";
import type { Program } from "../../graph/program.ts";
import { specOf } from "../../graph/tensor.ts";
import { type Value, decode, encode } from "../../graph/values.ts";
import {
  type ArrayLike,
  type CompileOptions,
  type DeviceArray,
  type Engine,
  type Executable,
  checkInputs,
  disposedError,
  isDeviceArray,
} from "../engine.ts";

/** An array of the interpreter: decoded values behind a handle that can be given up. */
class InterpretedArray implements DeviceArray {
  private value: Value | undefined;
  private gone: "disposed" | "donated" = "disposed";
  readonly shape: Value["shape"];
  readonly dtype: Value["dtype"];

  constructor(value: Value) {
    this.value = value;
    this.shape = value.shape;
    this.dtype = value.dtype;
  }

  get disposed(): boolean {
    return this.value === undefined;
  }

  /** The value, for a run; an error when it was given up. */
  use(operation: string): Value {
    if (!this.value) throw disposedError(operation, this, this.gone);
    return this.value;
  }

  async read(): Promise<HostArray> {
    const { data, ...rest } = encode(this.use("read"));
    return { ...rest, data: data.slice() };
  }

  donate(): void {
    this.gone = "donated";
    this.value = undefined;
  }

  dispose(): void {
    this.value = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The reference engine. */
export function createInterpreter(): Engine {
  return {
    name: "interpreter",
    description: "plain TypeScript, one primitive at a time",
    compile: (program, options) => Promise.resolve(interpretedExecutable(program, options)),
    upload: (array) =>
      Promise.resolve(new InterpretedArray(decode({ ...array, data: array.data.slice() }))),
    dispose: () => Promise.resolve(),
  };
}

function interpretedExecutable(program: Program, options: CompileOptions = {}): Executable {
  const { donate = [], name = "program" } = options;
  const inputs = program.inputs.map(specOf);
  const take = (array: ArrayLike): Value =>
    isDeviceArray(array) ? (array as InterpretedArray).use(name) : decode(array);
  return {
    inputs,
    outputs: program.outputs.map(specOf),
    async run(arrays) {
      checkInputs(name, inputs, arrays);
      const results = interpretProgram(program, arrays.map(take));
      for (const i of donate) {
        const array = arrays[i];
        if (isDeviceArray(array)) (array as InterpretedArray).donate();
      }
      return results.map((value) => new InterpretedArray({ ...value, data: value.data.slice() }));
    },
    dispose: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
}
