/** @file The classes and their pictures as they were: each step back is one change. */

import type { StoredClass } from "./store.ts";

/** Steps that are kept. */
const MOST = 100;

/** What the page showed, change by change. */
export class History {
  readonly #before: (readonly StoredClass[])[] = [];
  #now: readonly StoredClass[] = [];
  /** The class whose name was changed last, by its place: letters of one name are one step. */
  #renamed: number | undefined;

  get isEmpty(): boolean {
    return this.#before.length === 0;
  }

  /** Begins anew from classes. */
  begin(classes: readonly StoredClass[]): void {
    this.#before.length = 0;
    this.#now = classes;
    this.#renamed = undefined;
  }

  /** Takes note of what the page shows now. */
  note(classes: readonly StoredClass[]): void {
    if (JSON.stringify(classes) === JSON.stringify(this.#now)) return;
    const renamed = renamedBetween(this.#now, classes);
    if (renamed === undefined || renamed !== this.#renamed) this.#before.push(this.#now);
    if (this.#before.length > MOST) this.#before.shift();
    this.#renamed = renamed;
    this.#now = classes;
  }

  /** One step back. */
  back(): readonly StoredClass[] {
    this.#now = this.#before.pop() ?? this.#now;
    this.#renamed = undefined;
    return this.#now;
  }
}

/** The place of the one class of which the name alone differs; undefined where anything else does. */
function renamedBetween(
  before: readonly StoredClass[],
  after: readonly StoredClass[],
): number | undefined {
  if (before.length !== after.length) return undefined;
  const pictures = (classes: readonly StoredClass[]): string =>
    JSON.stringify(classes.map(({ examples }) => examples));
  if (pictures(before) !== pictures(after)) return undefined;
  const places = before.flatMap(({ name }, i) => (name === after[i].name ? [] : [i]));
  return places.length === 1 ? places[0] : undefined;
}
