/** @file Byte-pair merging: neighbours are joined, the best pair first, until none can be. */

/** What joining two neighbours means. Places are those of the symbols at the beginning. */
export interface Joining {
  /** The rule that joins the symbols at two places; -1 where there is none. */
  readonly find: (left: number, right: number) => number;
  /** What a rule makes; rules that make the same have the same. */
  readonly result: (rule: number) => number;
  /** The larger, the sooner. */
  readonly priority: (rule: number) => number;
  /** Makes the symbol at `left` what a rule makes of it and its neighbour at `right`. */
  readonly join: (left: number, right: number, result: number) => void;
}

/** The places whose symbols are left of `count`, in order, after all joining; equal priorities from the left. */
export function mergeSymbols(count: number, joining: Joining): number[] {
  const { find, result, priority, join } = joining;
  if (count === 0) return [];
  const previous = new Int32Array(count);
  const next = new Int32Array(count);
  const isGone = new Uint8Array(count);
  const queue = new PairQueue();
  const offer = (left: number, right: number): void => {
    const rule = find(left, right);
    if (rule !== -1) queue.push(priority(rule), left, result(rule));
  };
  for (let i = 0; i < count; i++) {
    previous[i] = i - 1;
    next[i] = i + 1 < count ? i + 1 : -1;
    if (i > 0) offer(i - 1, i);
  }
  while (queue.take()) {
    const { left, result: wanted } = queue;
    const right = next[left];
    if (isGone[left] || right === -1) continue;
    const rule = find(left, right);
    if (rule === -1 || result(rule) !== wanted) continue; // a neighbour has changed since
    join(left, right, wanted);
    isGone[right] = 1;
    const after = next[right];
    next[left] = after;
    if (previous[left] !== -1) offer(previous[left], left);
    if (after !== -1) {
      previous[after] = left;
      offer(left, after);
    }
  }
  const places: number[] = [];
  for (let i = 0; i !== -1; i = next[i]) places.push(i);
  return places;
}

/** A binary heap of pairs: the largest priority on top, of equal ones the leftmost. */
class PairQueue {
  /** The pair last taken. */
  left = 0;
  result = 0;
  private readonly priorities: number[] = [];
  private readonly lefts: number[] = [];
  private readonly results: number[] = [];

  push(priority: number, left: number, result: number): void {
    const { priorities, lefts } = this;
    let at = priorities.length;
    this.set(at, priority, left, result);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(priority, left, priorities[above], lefts[above])) break;
      this.move(above, at);
      at = above;
    }
    this.set(at, priority, left, result);
  }

  /** Takes the top off; false where the queue is empty. */
  take(): boolean {
    const { priorities, lefts, results } = this;
    const priority = priorities.pop();
    if (priority === undefined) return false;
    const left = lefts.pop() ?? 0;
    const result = results.pop() ?? 0;
    const size = priorities.length;
    this.left = size > 0 ? lefts[0] : left;
    this.result = size > 0 ? results[0] : result;
    if (size === 0) return true;
    let at = 0;
    for (let best = 1; best < size; best = 2 * at + 1) {
      const other = best + 1;
      if (
        other < size &&
        isBefore(priorities[other], lefts[other], priorities[best], lefts[best])
      ) {
        best = other;
      }
      if (!isBefore(priorities[best], lefts[best], priority, left)) break;
      this.move(best, at);
      at = best;
    }
    this.set(at, priority, left, result);
    return true;
  }

  private set(at: number, priority: number, left: number, result: number): void {
    this.priorities[at] = priority;
    this.lefts[at] = left;
    this.results[at] = result;
  }

  private move(from: number, to: number): void {
    this.set(to, this.priorities[from], this.lefts[from], this.results[from]);
  }
}

const isBefore = (priority: number, left: number, other: number, otherLeft: number): boolean =>
  priority > other || (priority === other && left < otherLeft);
