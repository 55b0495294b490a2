/** @file What the page and its worker say to each other. */

/** What the page asks; every request has an answer of the same id. */
export type Request =
  | { readonly kind: "open"; readonly webgpu: boolean }
  /** Takes a picture in: its features are kept under `example`. */
  | { readonly kind: "keep"; readonly example: number; readonly bitmap: ImageBitmap }
  | { readonly kind: "forget"; readonly example: number }
  | { readonly kind: "teach"; readonly classes: readonly (readonly number[])[] }
  | { readonly kind: "look"; readonly bitmap: ImageBitmap }
  | { readonly kind: "save"; readonly names: readonly string[] };

/** The answer to each kind of request. */
export interface Answers {
  /** `lacksWebGpu` where WebGPU was asked for and WebAssembly computes. */
  open: {
    readonly engine: string;
    readonly lacksWebGpu: boolean;
    readonly milliseconds: number;
  };
  /** `seen` is a small picture of what the model sees. */
  keep: { readonly seen: ImageBitmap; readonly milliseconds: number };
  forget: Record<string, never>;
  teach: { readonly losses: readonly number[]; readonly milliseconds: number };
  look: {
    readonly probabilities: readonly number[];
    readonly seen: ImageBitmap;
    readonly milliseconds: number;
  };
  save: { readonly file: Blob };
}

/** What the worker posts. */
export type Reply =
  | { readonly id: number; readonly answer: Answers[keyof Answers] }
  | { readonly id: number; readonly error: string }
  /** How much of the model has come, from 0 to 1. */
  | { readonly progress: number };
