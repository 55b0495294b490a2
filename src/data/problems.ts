/** @file What was wrong with examples that were left out. */

/** An example that was left out. */
export interface DataProblem {
  /** The example's id. */
  readonly id: string;
  /** Why, in one line. */
  readonly reason: string;
}

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
}

/** Collects the examples that were left out, each once. */
export class DataProblems {
  readonly #seen = new Set<string>();
  readonly #listed: DataProblem[] = [];
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

  /** Takes up what a run left out before it was stopped, without a report. */
  restore({ examples, more = [] }: DataProblemsSummary): void {
    for (const problem of examples) {
      if (!this.#seen.has(problem.id) && this.#listed.length < LISTED) this.#listed.push(problem);
      this.#seen.add(problem.id);
    }
    more.forEach((id) => this.#seen.add(id));
  }

  /** How many different examples were left out. */
  get count(): number {
    return this.#seen.size;
  }

  toJSON(): DataProblemsSummary {
    const more = [...this.#seen].slice(this.#listed.length); // in the order in which they were left out
    return { count: this.count, examples: this.#listed, ...(more.length > 0 && { more }) };
  }
}

/** Whether a value has the form of {@link DataProblemsSummary}. */
export function isProblems(value: unknown): value is DataProblemsSummary {
  const { examples, more = [] } = (value ?? {}) as Partial<DataProblemsSummary>;
  return Array.isArray(examples) && Array.isArray(more);
}
