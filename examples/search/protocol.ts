/** @file What the page and its worker say to each other. */

import type { FoundFile } from "../page/folder.ts";

/** A picture of the album. */
export interface Picture {
  /** The hash of its file's bytes. */
  readonly id: string;
  readonly path: string;
  /** The picture in small, as a file. */
  readonly thumbnail: Blob;
}

/** A picture that was found. */
export interface Found {
  readonly id: string;
  /** The product of its vector with the query's, at most 1. */
  readonly score: number;
}

/** What the page asks; every request has an answer of the same id. */
export type Request =
  | { readonly kind: "open"; readonly webgpu: boolean }
  /** Takes some files in; a page asks again and again, so that searches come between. */
  | { readonly kind: "take"; readonly files: readonly FoundFile[] }
  /** Ranks the pictures by words, by a picture's file, by a picture of the album, or by several of these. */
  | {
      readonly kind: "search";
      readonly words?: string;
      readonly file?: File;
      readonly like?: string;
    }
  | { readonly kind: "forget" };

/** The answer to each kind of request. */
export interface Answers {
  /** `pictures` are those that this browser keeps. */
  open: {
    readonly engine: string;
    readonly lacksWebGpu: boolean;
    readonly keeps: boolean;
    readonly pictures: readonly Picture[];
  };
  take: {
    /** New in the album. */
    readonly pictures: readonly Picture[];
    /** Of those, how many had their vectors in this browser already. */
    readonly known: number;
    /** Files whose bytes are those of a picture in the album. */
    readonly again: number;
    /** Paths of files that are no pictures, each with why. */
    readonly refused: readonly { readonly path: string; readonly reason: string }[];
  };
  search: {
    /** All pictures, the best first. */
    readonly found: readonly Found[];
    /** What the model does not read of the words. */
    readonly notes: readonly string[];
  };
  forget: Record<string, never>;
}
