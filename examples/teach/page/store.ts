/** @file What the page keeps in this browser over a reload: pictures as features, classes, a head, a model that was taken. */

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

const TABLE = "kept";
const EXAMPLE = "example/";

/** The browser's database; where it has none nothing is kept. */
export class Store {
  readonly #database: IDBDatabase | undefined;

  private constructor(database: IDBDatabase | undefined) {
    this.#database = database;
  }

  /** Opens the database of this page's address. */
  static async open(): Promise<Store> {
    try {
      const opening = indexedDB.open(`ocelli-teach ${location.pathname}`, 1);
      opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(TABLE));
      return new Store(await settled(opening));
    } catch {
      return new Store(undefined); // a private window
    }
  }

  page = (): Promise<StoredPage | undefined> => this.#get("page");
  /** The checkpoint that was taken in place of the page's own. */
  model = (): Promise<Blob | undefined> => this.#get("model");
  example = (id: number): Promise<StoredExample | undefined> => this.#get(EXAMPLE + id);

  savePage = (page: StoredPage): Promise<void> => this.#put("page", page);
  saveModel = (file: Blob): Promise<void> => this.#put("model", file);
  saveExample = (id: number, example: StoredExample): Promise<void> =>
    this.#put(EXAMPLE + id, example);

  /** Gives up all pictures but some. */
  async keepOnly(ids: ReadonlySet<number>): Promise<void> {
    const table = this.#table("readwrite");
    if (!table) return;
    for (const key of (await settled(table.getAllKeys())) as string[]) {
      const isKept = !key.startsWith(EXAMPLE) || ids.has(Number(key.slice(EXAMPLE.length)));
      if (!isKept) await settled(table.delete(key));
    }
  }

  /** Gives up everything. */
  async clear(): Promise<void> {
    const table = this.#table("readwrite");
    if (table) await settled(table.clear());
  }

  #table(mode: IDBTransactionMode): IDBObjectStore | undefined {
    return this.#database?.transaction(TABLE, mode).objectStore(TABLE);
  }

  async #get<T>(key: string): Promise<T | undefined> {
    const table = this.#table("readonly");
    return table && ((await settled(table.get(key))) as T | undefined);
  }

  async #put(key: string, value: unknown): Promise<void> {
    const table = this.#table("readwrite");
    if (table) await settled(table.put(value, key));
  }
}

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("cannot be kept")));
  });
