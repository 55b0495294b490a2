/** @file The ort engine over any ONNX Runtime, in Node or in a browser. */

import type { HostArray } from "../../graph/dtype.ts";
import type { Program } from "../../graph/program.ts";
import { simplify } from "../../graph/simplify.ts";
import { specOf } from "../../graph/tensor.ts";
import { type EncodedOnnx, encodeModel } from "../../formats/onnx-encode.ts";
import type { CompileOptions, DeviceArray, Engine } from "../engine.ts";
import { aliasesOf } from "./aliasing.ts";
import { OrtArray } from "./array.ts";
import { channelBlock } from "./channel-block.ts";
import { OrtExecutable } from "./executable.ts";
import { branchOnGuard } from "./lower/passes/guarded.ts";
import { type LoweredProgram, lowerProgram } from "./lower/program.ts";
import { externalEncoding, modelOf } from "./model.ts";
import type {
  GpuTraits,
  ModelSource,
  Runtime,
  RuntimeSession,
  SessionOptions,
} from "./runtime/runtime.ts";
import { checkBindable } from "./unsupported.ts";

/** How an engine over a runtime is made. */
export interface OrtEngineParts {
  readonly runtime: Runtime;
  /** Puts a model with external data where the runtime can open it, for as long as `use` runs. */
  readonly withFiles?: <T>(
    encoded: EncodedOnnx,
    use: (model: ModelSource) => Promise<T>,
  ) => Promise<T>;
  /** Session options beside the engine's own, such as a profile. */
  readonly session?: SessionOptions;
}

/** ONNX Runtime as an engine. */
export class OrtEngine implements Engine {
  readonly name: string;
  readonly description: string;
  /** The GPU that it computes on; none where the processor computes. */
  readonly gpu: GpuTraits | undefined;
  /** For each program of a GPU, the operators that the processor computes, and how many. */
  readonly fallbacks = new Map<string, Readonly<Record<string, number>>>();
  readonly #parts: OrtEngineParts;
  #block: Promise<number> | undefined;

  constructor(parts: OrtEngineParts) {
    const { name, threads, gpu } = parts.runtime;
    this.gpu = gpu;
    this.name = gpu ? "ort-webgpu" : "ort";
    this.#parts = parts;
    this.description = `${name}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
  }

  async compile(program: Program, options: CompileOptions = {}): Promise<OrtExecutable> {
    const { donate = [], name = "program" } = options;
    const { runtime } = this.#parts;
    checkBindable(program, runtime);
    const block = await (this.#block ??= channelBlock(runtime));
    const { gpu } = runtime;
    const lowered = lowerProgram(branchOnGuard(simplify(program)), { block, gpu });
    const opening = lowered.graph.outputs.length > 0 ? this.#open(lowered) : undefined;
    // found while the session is made on another thread
    const aliases = runtime.inPlace ? aliasesOf(lowered, donate) : new Map<number, number>();
    const session = await opening;
    if (session?.fallbacks && Object.keys(session.fallbacks).length > 0)
      this.fallbacks.set(name, session.fallbacks);
    return new OrtExecutable({
      name,
      runtime,
      session,
      aliases,
      lowered,
      inputs: program.inputs.map(specOf),
      outputs: program.outputs.map(specOf),
      donate,
    });
  }

  async upload(array: HostArray): Promise<DeviceArray> {
    return new OrtArray(this.#parts.runtime.upload(array));
  }

  dispose(): Promise<void> {
    return this.#parts.runtime.close();
  }

  /** A session that runs the graph as it was lowered: what could be fused was, and aliasing relies on it. */
  #open({ graph }: LoweredProgram): Promise<RuntimeSession> {
    const { runtime, withFiles, session = {} } = this.#parts;
    const options: SessionOptions = { ...session, optimization: "none" };
    const outside = withFiles && externalEncoding(graph);
    const encoded = encodeModel(modelOf(graph), outside);
    if (!outside) return runtime.createSession(encoded.model, options);
    return withFiles(encoded, (model) => runtime.createSession(model, options));
  }
}
