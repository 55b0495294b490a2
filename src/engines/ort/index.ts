/** @file The ort engine in Node. */

import { cpuBudget } from "../threads.ts";
import { OrtEngine } from "./engine.ts";
import { withFiles } from "./external.ts";
import { fetchLibrary, findLibrary } from "./runtime/library.ts";
import { openRuntime } from "./runtime/select.ts";
import { createWebGpuRuntime } from "./runtime/gpu/webgpu.ts";

/** Options of {@link createOrtEngine}. */
export interface OrtOptions {
  /** Threads that a run uses; one a core unless said. */
  readonly threads?: number;
  /** How to reach ONNX Runtime; the fastest way that works here unless said. */
  readonly runtime?: "c-api" | "node";
  /** Where to write a profile of every program: the beginning of the files' paths. C API only. */
  readonly profile?: string;
}

/**
 * The engine over ONNX Runtime's WebGPU provider: a GPU of any maker, without CUDA.
 *
 * @throws an engine error where the machine has no adapter
 */
export async function createWebGpuEngine({
  threads = cpuBudget().engine,
}: Pick<OrtOptions, "threads"> = {}): Promise<OrtEngine> {
  if (!findLibrary()) await fetchLibrary();
  return new OrtEngine({ runtime: await createWebGpuRuntime({ threads }), withFiles });
}

/**
 * The engine over ONNX Runtime, inside this process.
 *
 * @example
 * const engine = await createOrtEngine();
 * const double = jit(engine, (x: Tensor) => mul(x, 2));
 */
export async function createOrtEngine(options: OrtOptions = {}): Promise<OrtEngine> {
  const { threads = cpuBudget().engine, runtime: prefer, profile } = options;
  const runtime = await openRuntime({ threads, prefer });
  return new OrtEngine({ runtime, withFiles, ...(profile ? { session: { profile } } : {}) });
}
