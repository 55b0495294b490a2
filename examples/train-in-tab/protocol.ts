/** @file What the page and its worker say to each other. */

import type { StepMeasures } from "ocelli/web";

/** A training that lies in this browser. */
export interface Begun {
  readonly classes: readonly string[];
  readonly pictures: number;
  readonly heldOut: number;
  readonly steps: number;
  /** Updates that are done. */
  readonly step: number;
  /** The loss of each of them. */
  readonly losses: readonly number[];
}

/** A picture's file and its class by name. */
export interface Labelled {
  readonly file: File;
  readonly label: string;
}

/** What the page asks; every request has an answer of the same id. */
export type Request =
  | { readonly kind: "open"; readonly webgpu: boolean }
  /** Takes pictures in, in place of those of before. */
  | { readonly kind: "take"; readonly pictures: readonly Labelled[] }
  /** Begins a training on what was taken, or goes on with the one that is kept. */
  | { readonly kind: "begin"; readonly steps: number }
  | { readonly kind: "continue" }
  /** Makes updates, as many as are left at most, and keeps what they came to. */
  | { readonly kind: "update"; readonly count: number }
  /** Judges the pictures that were held out. */
  | { readonly kind: "judge" }
  | { readonly kind: "look"; readonly file: File }
  | { readonly kind: "save" }
  | { readonly kind: "forget" };

/** Why an update is not kept. */
export interface Unkept {
  readonly why: string;
  /** Updates of the state that is kept. */
  readonly step: number;
}

/** The answer to each kind of request. */
export interface Answers {
  /** `lacksWebGpu` where WebGPU was asked for and WebAssembly computes; `begun` where a training is kept. */
  open: {
    readonly engine: string;
    readonly lacksWebGpu: boolean;
    readonly keeps: boolean;
    readonly begun?: Begun;
  };
  take: {
    readonly classes: Readonly<Record<string, number>>;
    readonly heldOut: number;
    /** Names of files that are no pictures. */
    readonly refused: readonly string[];
    /** Why they are not kept over a reload, where that failed. */
    readonly unkept?: string;
  };
  begin: Begun;
  continue: Begun;
  update: { readonly measures: readonly StepMeasures[]; readonly unkept?: Unkept };
  judge: { readonly right: number; readonly of: number };
  look: { readonly probabilities: readonly number[] };
  save: { readonly file: Blob };
  forget: Record<string, never>;
}

/** What the worker posts without being asked: how many pictures have been taken in. */
export interface News {
  readonly taken: number;
}
