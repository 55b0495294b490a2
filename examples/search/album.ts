/** @file The pictures that are searched: their vectors in memory, and both kept in this browser by what the files hold. */

import { Kept } from "../page/kept.ts";
import type { Picture } from "./protocol.ts";

/** What is kept of a picture, under its hash and the model's fingerprint. */
interface Entry {
  readonly vector: Float32Array;
  readonly thumbnail: Blob;
}

/** What the album holds, as it is kept: the hash of each picture and its path. */
type List = readonly (readonly [id: string, path: string])[];

const LIST = "album";

/** An album of pictures whose vectors are of one model. */
export class Album {
  readonly #kept: Kept;
  readonly #fingerprint: string;
  readonly #paths = new Map<string, string>();
  readonly #vectors = new Map<string, Float32Array>();

  private constructor(kept: Kept, fingerprint: string) {
    this.#kept = kept;
    this.#fingerprint = fingerprint;
  }

  /** Opens what this browser keeps, and gives the pictures that have vectors of the model. */
  static async open(name: string, fingerprint: string): Promise<[Album, Picture[]]> {
    const album = new Album(await Kept.open(name), fingerprint);
    const pictures: Picture[] = [];
    for (const [id, path] of (await album.#kept.get<List>(LIST)) ?? []) {
      const known = await album.known(id);
      if (!known) continue; // of another model
      album.#put(id, path, known.vector);
      pictures.push({ id, path, thumbnail: known.thumbnail });
    }
    return [album, pictures];
  }

  /** Whether anything can be kept. */
  get keeps(): boolean {
    return this.#kept.works;
  }

  get ids(): string[] {
    return [...this.#vectors.keys()];
  }

  get vectors(): Float32Array[] {
    return [...this.#vectors.values()];
  }

  vectorOf(id: string): Float32Array | undefined {
    return this.#vectors.get(id);
  }

  /** What is known of a file's bytes, whether the album has them or not. */
  known = (id: string): Promise<Entry | undefined> =>
    this.#kept.get<Entry>(`${this.#fingerprint} ${id}`);

  /** Puts pictures in, and keeps them. */
  async add(pictures: readonly (Picture & Entry)[]): Promise<void> {
    for (const { id, path, vector, thumbnail } of pictures) {
      this.#put(id, path, vector);
      await this.#kept.put(`${this.#fingerprint} ${id}`, { vector, thumbnail });
    }
    if (pictures.length > 0) await this.#kept.put(LIST, [...this.#paths]);
  }

  async clear(): Promise<void> {
    this.#paths.clear();
    this.#vectors.clear();
    await this.#kept.clear();
  }

  #put(id: string, path: string, vector: Float32Array): void {
    this.#paths.set(id, path);
    this.#vectors.set(id, vector);
  }
}
