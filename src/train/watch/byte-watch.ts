/** @file Whether images keep their bytes while a run lasts, however often it is stopped: checksums of what was read. */

import { crc32 } from "node:zlib";
import type { Source } from "../../data/source.ts";
import { bytesOf } from "../../formats/bytes.ts";
import type { Features } from "../../preprocess/example.ts";
import { isObject } from "../../runs/read-config.ts";
import type { Plan } from "../plan/plan.ts";
import { idsHash } from "../../served/split-record.ts";

/** A resumed run looks at images of before that have so many bytes together, and at the others when it reads them. */
const LOOKED_AT = 256 * 2 ** 20;
/** Images of other bytes that are named one by one. */
const NAMED = 5;

/** Checksums of a split's images, 0 where none was read. */
interface Watched {
  readonly source: Source;
  readonly sums: Uint32Array;
  /** Of the ids, once it was asked for: they stay while a source is open. */
  sha256?: string;
}

const hashOf = (known: Watched): string => (known.sha256 ??= idsHash(known.source));

/** What a run folder keeps of {@link ByteWatch}. */
interface Stored {
  /** By split: the hash of its ids, and the checksums, little-endian, in base64. */
  readonly splits: Readonly<Record<string, { readonly sha256: string; readonly sums: string }>>;
  /** The images whose bytes changed. */
  readonly changed: readonly string[];
}

/** Notices images and labels that are not what they were when they were read before. */
export class ByteWatch {
  readonly #splits = new Map<string, Watched>();
  readonly #changed = new Set<string>();
  readonly #report: (line: string) => void;
  /** Whether there is something to be kept since {@link toJSON} was called. */
  #isNew = false;

  constructor(report: (line: string) => void) {
    this.#report = report;
  }

  /** A plan whose sources are watched. */
  watch(plan: Plan): Plan {
    const watched = new Map<Source, Source>();
    for (const [name, source] of plan.sources) watched.set(source, this.#watchSource(name, source));
    const of = (source: Source): Source => watched.get(source) ?? source;
    return {
      ...plan,
      source: of(plan.source),
      ...(plan.unlabelled && {
        unlabelled: { ...plan.unlabelled, source: of(plan.unlabelled.source) },
      }),
      sources: new Map([...plan.sources].map(([name, source]) => [name, of(source)])),
      evaluations: plan.evaluations.map((evaluation) => ({
        ...evaluation,
        streams: Object.fromEntries(
          Object.entries(evaluation.streams).map(([stream, { source, ...options }]) => {
            return [stream, { ...options, source: of(source) }] as const;
          }),
        ),
      })),
    };
  }

  #watchSource(name: string, source: Source): Source {
    const known: Watched = { source, sums: new Uint32Array(source.length) };
    this.#splits.set(name, known);
    return {
      ...source,
      id: (index) => source.id(index),
      read: async (index) => {
        const example = await source.read(index);
        const before = this.#changed.size;
        const isChanged = this.#take(name, known, index, example);
        if (isChanged && before < NAMED && this.#changed.size > before) {
          const id = source.id(index);
          this.#report(`changed ${id} of ${name} has other bytes than when it was read before`);
        }
        return example;
      },
    };
  }

  /** Notes the checksum of an example; whether it was another before. */
  #take(name: string, { source, sums }: Watched, index: number, example: Features): boolean {
    const sum = checksum(example);
    const before = sums[index];
    if (before === sum) return false;
    sums[index] = sum;
    this.#isNew = true;
    if (before !== 0) this.#changed.add(`${name}: ${source.id(index)}`);
    return before !== 0;
  }

  /** How many images were noticed to have changed. */
  get count(): number {
    return this.#changed.size;
  }

  /** Whether {@link toJSON} has anything that it had not when it was called last. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /**
   * Takes up what a run folder kept, and looks at the images of before: those that have changed are told. Splits whose
   * ids are others now are begun anew.
   */
  async restore(stored: unknown): Promise<void> {
    if (!isStored(stored)) return;
    stored.changed.forEach((id) => this.#changed.add(id));
    let bytes = 0;
    for (const [name, known] of this.#splits) {
      const { source, sums } = known;
      const kept = Object.hasOwn(stored.splits, name) ? stored.splits[name] : undefined;
      if (kept?.sha256 !== hashOf(known)) continue;
      sums.set(fromBase64(kept.sums, sums.length));
      const changed: string[] = [];
      for (let index = 0; index < source.length && bytes < LOOKED_AT; index++) {
        if (sums[index] === 0) continue;
        const example = await source.read(index);
        bytes += example.image.data.byteLength;
        if (this.#take(name, known, index, example)) changed.push(source.id(index));
      }
      if (changed.length > 0) this.#report(describeChanged(name, changed));
    }
  }

  toJSON(): Stored {
    this.#isNew = false;
    const entries = [...this.#splits].map(([name, known]) => {
      return [name, { sha256: hashOf(known), sums: toBase64(known.sums) }] as const;
    });
    return { splits: Object.fromEntries(entries), changed: [...this.#changed] };
  }
}

function describeChanged(split: string, [first, ...others]: readonly string[]): string {
  const which =
    others.length === 0
      ? `${first} of ${split} has`
      : `${others.length + 1} images of ${split}, such as ${first}, have`;
  return `changed ${which} other bytes than before the stop; numbers may differ from those of an unbroken run`;
}

/** Of an example's image and label; never 0. */
function checksum({ image, label }: Features): number {
  const pixels = crc32(bytesOf(image));
  return (label ? crc32(bytesOf(label), pixels) : pixels) || 1;
}

const isStored = (value: unknown): value is Stored =>
  isObject(value) && isObject(value.splits) && Array.isArray(value.changed);

const toBase64 = (sums: Uint32Array): string => {
  const bytes = new DataView(new ArrayBuffer(4 * sums.length));
  sums.forEach((sum, i) => bytes.setUint32(4 * i, sum, true));
  return Buffer.from(bytes.buffer).toString("base64");
};

function fromBase64(text: string, length: number): Uint32Array {
  const bytes = Uint8Array.from(Buffer.from(text, "base64"));
  const view = new DataView(bytes.buffer);
  return Uint32Array.from({ length }, (_, i) =>
    4 * i + 4 <= bytes.length ? view.getUint32(4 * i, true) : 0,
  );
}
