/** @file ONNX Runtime in a browser: WebGPU where the browser has an adapter, else WebAssembly with SIMD and threads. */

import { OcelliError } from "../../../errors.ts";
import { JsRuntime } from "./js-runtime.ts";
import type { OrtModule } from "./js-api.ts";
import type { GpuTraits } from "./runtime.ts";

/** How to open `onnxruntime-web`. */
export interface WebRuntimeOptions {
  /** Threads of the WebAssembly build; one unless the page is cross-origin isolated. */
  readonly threads: number;
  /** "auto" takes WebGPU where there is an adapter. */
  readonly device?: "auto" | "webgpu" | "wasm";
  /** Where the `.wasm` and `.mjs` files of onnxruntime-web are served: a prefix, or both paths. */
  readonly wasmPaths?: string | { readonly wasm?: string | URL; readonly mjs?: string | URL };
  /** Whether WebAssembly computes in a worker of its own, so that the page stays responsive. Not with WebGPU. */
  readonly proxy?: boolean;
}

/**
 * Opens the `onnxruntime-web` module that the page has imported (`onnxruntime-web/webgpu` for WebGPU).
 *
 * @example
 * import * as ort from "onnxruntime-web/webgpu";
 * const runtime = await createWebRuntime(ort, { threads: navigator.hardwareConcurrency });
 */
export async function createWebRuntime(
  ort: OrtModule,
  { threads, device = "auto", wasmPaths, proxy = false }: WebRuntimeOptions,
): Promise<JsRuntime> {
  const gpu = device === "wasm" ? undefined : await gpuTraits();
  if (device === "webgpu" && !gpu) {
    throw new OcelliError("engine", "this browser offers no WebGPU adapter.", {
      hint: 'Use device "wasm".',
    });
  }
  const { wasm, versions } = ort.env;
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  const granted = crossOriginIsolated ? threads : 1; // threads share memory, which isolation permits
  ort.env.logLevel = "fatal"; // errors come back as ours
  wasm.numThreads = granted;
  wasm.proxy = proxy && !gpu;
  if (wasmPaths !== undefined) wasm.wasmPaths = wasmPaths;
  const how = gpu ? "WebGPU" : "WebAssembly";
  return new JsRuntime({
    ort,
    kind: "web",
    name: `ONNX Runtime ${versions.web ?? "?"}, ${how}`,
    threads: granted,
    provider: gpu ? "webgpu" : "wasm",
    gpu,
  });
}

/** What the GPU can do that this browser offers; undefined where it offers none. */
async function gpuTraits(): Promise<GpuTraits | undefined> {
  const { gpu } = (globalThis.navigator ?? {}) as {
    gpu?: {
      requestAdapter(): Promise<{
        readonly features: ReadonlySet<string>;
        readonly limits: { readonly maxStorageBufferBindingSize: number };
      } | null>;
    };
  };
  try {
    const adapter = await gpu?.requestAdapter();
    if (!adapter) return undefined;
    const { features, limits } = adapter;
    return {
      float16: features.has("shader-f16"),
      maxStorageBytes: limits.maxStorageBufferBindingSize,
    };
  } catch {
    return undefined; // present but switched off
  }
}

/** Whether this browser offers a WebGPU adapter. */
export const hasWebGpu = async (): Promise<boolean> => (await gpuTraits()) !== undefined;
