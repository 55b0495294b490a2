/** @file What was wrong with examples that were left out, and what is worth a note about others. */

import type { OcelliError } from "../errors.ts";
import { type AlphaRule, describeColour } from "../preprocess/alpha.ts";
import type { PictureKind } from "./decode/decode.ts";

/** An example that was left out. */
export interface DataProblem {
  /** The example's id. */
  readonly id: string;
  /** Why, in one line. */
  readonly reason: string;
}

/** Why an example is left out, from the error that names it. */
export const whyLeftOut = ({ message }: OcelliError, id: string): string =>
  message.replace(`${id} cannot be decoded: `, "");

/** What to do about an image that cannot be decoded: end with its error, or go on without it. */
export const BAD_IMAGE_POLICIES = ["error", "skip"] as const;
export type BadImagePolicy = (typeof BAD_IMAGE_POLICIES)[number];

/** How many problems are listed with their reasons; further ones are counted. */
const LISTED = 1000;

/** The problems of a run, as JSON holds them. */
export interface DataProblemsSummary {
  /** How many different examples were left out. */
  readonly count: number;
  /** The first thousand of them. */
  readonly examples: readonly DataProblem[];
  /** The ids of the others. */
  readonly more?: readonly string[];
  /** Pictures that may be lost in decoding, where there are any. */
  readonly pictures?: Readonly<Record<keyof PictureCounts, PictureKinds>>;
}

/** Pictures of a kind: how many, and the ids of the first thousand. */
export interface PictureKinds {
  readonly count: number;
  readonly ids: readonly string[];
}

/** How many pictures are of a kind that may have been lost in decoding. */
export interface PictureCounts {
  readonly transparent: number;
  /** Of one colour, once nothing is transparent. */
  readonly plain: number;
}

/** Collects the examples that were left out, and pictures that may be lost, each once. */
export class DataProblems {
  readonly #seen = new Set<string>();
  readonly #listed: DataProblem[] = [];
  readonly #transparent = new Set<string>();
  readonly #plain = new Set<string>();
  /** Pictures beyond the ids that were listed of them. */
  #counted: PictureCounts = { transparent: 0, plain: 0 };
  /** What a run had counted before it was stopped: as many there are at least. */
  #before: PictureCounts = { transparent: 0, plain: 0 };
  readonly #report: ((problem: DataProblem) => void) | undefined;

  /** @param report hears of each example when it is left out for the first time */
  constructor(report?: (problem: DataProblem) => void) {
    this.#report = report;
  }

  add(problem: DataProblem): void {
    if (this.#seen.has(problem.id)) return;
    this.#seen.add(problem.id);
    if (this.#listed.length < LISTED) this.#listed.push(problem);
    this.#report?.(problem);
  }

  /** Takes in what a picture is. */
  notice(id: string, { transparent, plain }: PictureKind): void {
    if (transparent) this.#transparent.add(id);
    if (plain) this.#plain.add(id);
  }

  /** Takes in what other images were found to be, such as those whose features are in the cache; each is counted once. */
  include({ examples, more = [], pictures }: DataProblemsSummary): void {
    examples.forEach((problem) => this.add(problem));
    more.forEach((id) => this.#seen.add(id));
    if (!pictures) return;
    const { transparent, plain } = pictures;
    transparent.ids.forEach((id) => this.#transparent.add(id));
    plain.ids.forEach((id) => this.#plain.add(id));
    const unlisted = ({ count, ids }: PictureKinds): number => count - ids.length;
    this.#counted = {
      transparent: this.#counted.transparent + unlisted(transparent),
      plain: this.#counted.plain + unlisted(plain),
    };
  }

  /** How many pictures may be lost, each counted once. */
  get pictures(): PictureCounts {
    const { transparent, plain } = this.#counted;
    return {
      transparent: Math.max(this.#before.transparent, transparent + this.#transparent.size),
      plain: Math.max(this.#before.plain, plain + this.#plain.size),
    };
  }

  /** A line for people where pictures may be lost; `alpha` is what becomes of transparent parts. */
  note(alpha: AlphaRule): string | undefined {
    const { transparent, plain } = this.pictures;
    const are = (count: number) => (count === 1 ? "picture is" : "pictures are");
    const shown =
      alpha === "drop" ? "show their hidden colours" : `lie on ${describeColour(alpha)}`;
    const parts = [
      transparent > 0 &&
        `${transparent} ${are(transparent)} transparent: transparent parts ${shown} (decode(background=…), decode(alpha=drop))`,
      plain > 0 && `${plain} ${are(plain)} of one colour`,
    ].filter((part) => part !== false);
    return parts.length > 0 ? parts.join("; ") : undefined;
  }

  /** Takes up what a run left out before it was stopped, without a report. */
  restore({ examples, more = [], pictures }: DataProblemsSummary): void {
    for (const problem of examples) {
      if (!this.#seen.has(problem.id) && this.#listed.length < LISTED) this.#listed.push(problem);
      this.#seen.add(problem.id);
    }
    more.forEach((id) => this.#seen.add(id));
    if (!pictures) return;
    pictures.transparent.ids.forEach((id) => this.#transparent.add(id));
    pictures.plain.ids.forEach((id) => this.#plain.add(id));
    this.#before = { transparent: pictures.transparent.count, plain: pictures.plain.count };
  }

  /** Whether there is anything to keep with a run. */
  get isWorthKeeping(): boolean {
    const { transparent, plain } = this.pictures;
    return this.count + transparent + plain > 0;
  }

  /** How many different examples were left out. */
  get count(): number {
    return this.#seen.size;
  }

  toJSON(): DataProblemsSummary {
    const more = [...this.#seen].slice(this.#listed.length); // in the order in which they were left out
    const { transparent, plain } = this.pictures;
    const firstOf = (ids: Set<string>): string[] => [...ids].slice(0, LISTED);
    return {
      count: this.count,
      examples: this.#listed,
      ...(more.length > 0 && { more }),
      ...(transparent + plain > 0 && {
        pictures: {
          transparent: { count: transparent, ids: firstOf(this.#transparent) },
          plain: { count: plain, ids: firstOf(this.#plain) },
        },
      }),
    };
  }
}

/** Whether a value has the form of {@link DataProblemsSummary}. */
export function isProblems(value: unknown): value is DataProblemsSummary {
  const { examples, more = [], pictures } = (value ?? {}) as Partial<DataProblemsSummary>;
  const kinds = pictures === undefined ? [] : [pictures?.transparent, pictures?.plain];
  return (
    Array.isArray(examples) &&
    Array.isArray(more) &&
    kinds.every((kind) => Number.isInteger(kind?.count) && Array.isArray(kind?.ids))
  );
}
