/** @file A table from pairs of whole numbers to a whole number, in three typed arrays. */

/** From pairs of 32-bit integers to integers of at least 0; grows as it fills. */
export class PairTable {
  private mask: number;
  private first: Int32Array;
  private second: Int32Array;
  private values: Int32Array;
  private count = 0;

  /** Room for a number of pairs without growing. */
  constructor(expected = 16) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 1.5)));
    this.mask = size - 1;
    this.first = new Int32Array(size);
    this.second = new Int32Array(size);
    this.values = new Int32Array(size).fill(-1);
  }

  /** The value of a pair; -1 where it has none. */
  get(a: number, b: number): number {
    const { mask, first, second, values } = this;
    let at = hash(a, b) & mask;
    while (values[at] !== -1) {
      if (first[at] === a && second[at] === b) return values[at];
      at = (at + 1) & mask;
    }
    return -1;
  }

  /** Sets the value of a pair, at least 0. */
  set(a: number, b: number, value: number): void {
    if (this.count * 3 > this.mask * 2) this.grow();
    let at = hash(a, b) & this.mask;
    while (this.values[at] !== -1 && (this.first[at] !== a || this.second[at] !== b)) {
      at = (at + 1) & this.mask;
    }
    if (this.values[at] === -1) this.count++;
    this.first[at] = a;
    this.second[at] = b;
    this.values[at] = value;
  }

  private grow(): void {
    const { first, second, values } = this;
    const size = values.length * 2;
    this.mask = size - 1;
    this.first = new Int32Array(size);
    this.second = new Int32Array(size);
    this.values = new Int32Array(size).fill(-1);
    this.count = 0;
    for (let i = 0; i < values.length; i++) {
      if (values[i] !== -1) this.set(first[i], second[i], values[i]);
    }
  }
}

function hash(a: number, b: number): number {
  const mixed = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
