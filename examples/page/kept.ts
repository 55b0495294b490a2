/** @file Values that a page keeps in this browser, by key, over a reload. */

const TABLE = "kept";

/** The browser's database of a page; where it has none, as in a private window, nothing is kept. */
export class Kept {
  readonly #database: IDBDatabase | undefined;

  private constructor(database: IDBDatabase | undefined) {
    this.#database = database;
  }

  /** Opens the database of a name. */
  static async open(name: string): Promise<Kept> {
    try {
      const opening = indexedDB.open(name, 1);
      opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(TABLE));
      return new Kept(await settled(opening));
    } catch {
      return new Kept(undefined);
    }
  }

  /** Whether anything can be kept. */
  get works(): boolean {
    return this.#database !== undefined;
  }

  async keys(): Promise<string[]> {
    const table = this.#table("readonly");
    return table ? ((await settled(table.getAllKeys())) as string[]) : [];
  }

  async get<T>(key: string): Promise<T | undefined> {
    const table = this.#table("readonly");
    return table && ((await settled(table.get(key))) as T | undefined);
  }

  /**
   * Keeps a value in the place of the one that was kept under its key.
   *
   * @throws where there is no room left: what was kept before stays
   */
  async put(key: string, value: unknown): Promise<void> {
    const table = this.#table("readwrite");
    if (!table) return;
    table.put(value, key);
    await ended(table.transaction); // room is found or not when it ends
  }

  async delete(key: string): Promise<void> {
    const table = this.#table("readwrite");
    if (table) await settled(table.delete(key));
  }

  /** Gives up everything. */
  async clear(): Promise<void> {
    const table = this.#table("readwrite");
    if (table) await settled(table.clear());
  }

  #table(mode: IDBTransactionMode): IDBObjectStore | undefined {
    return this.#database?.transaction(TABLE, mode).objectStore(TABLE);
  }
}

const ended = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () => {
      const { error } = transaction;
      const isFull = error?.name === "QuotaExceededError";
      reject(
        isFull
          ? new Error("This browser has no room left for what the page keeps.")
          : (error ?? new Error("cannot be kept")),
      );
    });
  });

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("cannot be kept")));
  });
