/**
 * @file What is used of ONNX Runtime's JavaScript API, which `onnxruntime-node` and `onnxruntime-web` share: either module
 * is an {@link OrtModule}. Written out so that types hold where neither is installed.
 */

/** An array of the JavaScript API. */
export interface JsTensor {
  readonly data: unknown;
  /** Where its elements are: "cpu", or on a device. */
  readonly location: string;
  getData(): Promise<unknown>;
  dispose(): void;
}

/** An input or output of a model; only tensors have a type and a shape. */
export interface JsValue {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  /** Extents; a name where one is open. */
  readonly shape?: readonly (number | string)[];
}

/** A model that was loaded. */
export interface JsModel {
  readonly inputMetadata: readonly JsValue[];
  readonly outputMetadata: readonly JsValue[];
  run(
    feeds: Readonly<Record<string, JsTensor>>,
    options: { readonly logSeverityLevel: 4 },
  ): Promise<Readonly<Record<string, JsTensor>>>;
  release(): Promise<void>;
}

/** How a model is loaded. */
export interface JsModelOptions {
  readonly executionProviders: readonly (
    string | { readonly name: string; readonly preferredLayout: "NCHW" }
  )[];
  readonly graphOptimizationLevel: "disabled" | "basic" | "extended" | "layout" | "all";
  readonly enableCpuMemArena: boolean;
  readonly enableMemPattern: boolean;
  readonly logSeverityLevel: 4;
  readonly extra: Record<string, unknown>;
  readonly intraOpNumThreads?: number;
  readonly preferredOutputLocation?: "gpu-buffer";
}

/** The module `onnxruntime-web`, one of its variants such as `onnxruntime-web/webgpu`, or `onnxruntime-node`. */
export interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array | string, options: JsModelOptions): Promise<JsModel>;
  };
  readonly Tensor: new (type: string, data: Uint16Array, dims: readonly number[]) => JsTensor;
  readonly env: {
    logLevel?: string;
    readonly versions: { readonly node?: string; readonly web?: string };
    readonly wasm: { numThreads?: number; proxy?: boolean; wasmPaths?: unknown };
  };
}
