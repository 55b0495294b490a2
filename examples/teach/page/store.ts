/** @file What the page keeps in this browser over a reload: pictures as features, classes, a head, a model that was taken. */

import { Kept } from "../../page/kept.ts";

/** A picture that was shown: its features and what a person sees of it. */
export interface StoredExample {
  readonly features: Float32Array;
  readonly seen: Blob;
}

/** A class as it is kept. */
export interface StoredClass {
  readonly name: string;
  readonly colour: string;
  readonly examples: readonly number[];
}

/** A head as it was taught, by the classes that the page showed then. */
export interface StoredHead {
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
  readonly names: readonly string[];
  /** The classes and pictures that it was taught on. */
  readonly shown: string;
  /** What the page said of its training. */
  readonly summary: string;
}

/** All but pictures and models. */
export interface StoredPage {
  /** Of the backbone that the features are of. */
  readonly fingerprint: string;
  readonly classes: readonly StoredClass[];
  /** Percent. */
  readonly threshold: number;
  readonly head?: StoredHead;
}

const EXAMPLE = "example/";

/** What the page of this address keeps. */
export class Store {
  readonly #kept: Kept;

  private constructor(kept: Kept) {
    this.#kept = kept;
  }

  static open = async (): Promise<Store> =>
    new Store(await Kept.open(`ocelli-teach ${location.pathname}`));

  page = (): Promise<StoredPage | undefined> => this.#kept.get("page");
  /** The checkpoint that was taken in place of the page's own. */
  model = (): Promise<Blob | undefined> => this.#kept.get("model");
  example = (id: number): Promise<StoredExample | undefined> => this.#kept.get(EXAMPLE + id);

  savePage = (page: StoredPage): Promise<void> => this.#kept.put("page", page);
  saveModel = (file: Blob): Promise<void> => this.#kept.put("model", file);
  saveExample = (id: number, example: StoredExample): Promise<void> =>
    this.#kept.put(EXAMPLE + id, example);

  /** Gives up all pictures but some. */
  async keepOnly(ids: ReadonlySet<number>): Promise<void> {
    for (const key of await this.#kept.keys()) {
      const isKept = !key.startsWith(EXAMPLE) || ids.has(Number(key.slice(EXAMPLE.length)));
      if (!isKept) await this.#kept.delete(key);
    }
  }

  /** Gives up everything. */
  clear = (): Promise<void> => this.#kept.clear();
}
