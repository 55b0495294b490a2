/** @file What the page and its worker say to each other. */

/** A head's arrays: kernel [features, classes] and bias [classes]. */
export interface HeadArrays {
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
}

/** What the page asks; every request has an answer of the same id. */
export type Request =
  /** Opens the page's own model, or a checkpoint in its place. */
  | { readonly kind: "open"; readonly webgpu: boolean; readonly file?: Blob }
  /** Takes a picture in: its features are kept under `example`. */
  | { readonly kind: "keep"; readonly example: number; readonly bitmap: ImageBitmap }
  /** Puts features back that an earlier page kept. */
  | { readonly kind: "restore"; readonly example: number; readonly features: Float32Array }
  | { readonly kind: "teach"; readonly classes: readonly (readonly number[])[] }
  /** Takes a head that was taught before. */
  | { readonly kind: "head"; readonly head: HeadArrays }
  | { readonly kind: "look"; readonly bitmap: ImageBitmap }
  | { readonly kind: "save"; readonly names: readonly string[]; readonly format: Format };

/** What a model is saved as. */
export type Format = "safetensors" | "onnx";

/** The answer to each kind of request. */
export interface Answers {
  /**
   * `lacksWebGpu` where WebGPU was asked for and WebAssembly computes; `fingerprint` of the backbone; `classes` of the head
   * that came with the model.
   */
  open: {
    readonly engine: string;
    readonly lacksWebGpu: boolean;
    readonly fingerprint: string;
    readonly classes?: readonly string[];
    readonly head?: HeadArrays;
    readonly milliseconds: number;
  };
  /** `seen` is a small picture of the whole. */
  keep: {
    readonly seen: ImageBitmap;
    readonly features: Float32Array;
    readonly milliseconds: number;
  };
  restore: Record<string, never>;
  teach: {
    readonly losses: readonly number[];
    readonly head: HeadArrays;
    readonly milliseconds: number;
  };
  head: Record<string, never>;
  look: {
    readonly probabilities: readonly number[];
    readonly seen: ImageBitmap;
    readonly milliseconds: number;
  };
  save: { readonly file: Blob };
}

/** What the worker posts without being asked: how much of the model has come, from 0 to 1. */
export interface News {
  readonly progress: number;
}
