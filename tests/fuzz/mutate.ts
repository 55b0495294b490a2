/** @file Damaged and hostile copies of files: what a fuzzer feeds to parsers. */

/** Whole numbers below a bound. */
export type Draw = (below: number) => number;

/** A stream of whole numbers, the same for a seed everywhere (xorshift). */
export function drawFrom(seed: number): Draw {
  let state = Math.imul(seed + 1, 0x9e3779b9) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const LARGE = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

type Mutation = (bytes: Uint8Array, draw: Draw, seeds: readonly Uint8Array[]) => Uint8Array;

/** A place, as often as not near an end, where headers and directories lie. */
function place({ length }: Uint8Array, draw: Draw): number {
  const near = Math.min(length, 100);
  const kind = draw(4);
  if (kind === 0) return draw(near);
  return kind === 1 ? length - 1 - draw(near) : draw(length);
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

const MUTATIONS: readonly Mutation[] = [
  (bytes, draw) => change(bytes, place(bytes, draw), (byte) => byte ^ (1 << draw(8))),
  (bytes, draw) => change(bytes, place(bytes, draw), () => draw(256)),
  // a count, a size or an offset that lies
  (bytes, draw) => {
    const copy = bytes.slice();
    const at = Math.min(place(bytes, draw), Math.max(0, bytes.length - 8));
    const view = new DataView(copy.buffer);
    const value = LARGE[draw(LARGE.length)];
    if (bytes.length >= 8 && draw(3) === 0)
      view.setBigUint64(at, BigInt(value) << BigInt(draw(33)), true);
    else if (bytes.length >= 4)
      view.setUint32(Math.min(at, bytes.length - 4), value, draw(2) === 0);
    return copy;
  },
  (bytes, draw) => bytes.slice(0, place(bytes, draw)),
  (bytes, draw) => {
    const at = place(bytes, draw);
    return join(bytes.subarray(0, at), bytes.subarray(Math.min(at + 1 + draw(16), bytes.length)));
  },
  (bytes, draw) => {
    const at = place(bytes, draw);
    const again = bytes.subarray(at, at + 1 + draw(64));
    return join(bytes.subarray(0, at), again, bytes.subarray(at));
  },
  (bytes, draw, seeds) => {
    const other = seeds[draw(seeds.length)];
    return join(bytes.subarray(0, place(bytes, draw)), other.subarray(place(other, draw)));
  },
  // digits in text headers
  (bytes, draw) => {
    const digits = [...bytes.keys()].filter((i) => bytes[i] >= 0x30 && bytes[i] <= 0x39);
    if (digits.length === 0) return bytes;
    const at = digits[draw(digits.length)];
    const text = new TextEncoder().encode(["9", "-1", "99999999999", "1e9", "00", "0"][draw(6)]);
    return join(bytes.subarray(0, at), text, bytes.subarray(at + 1));
  },
];

function change(bytes: Uint8Array, at: number, to: (byte: number) => number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = to(copy[at]);
  return copy;
}

/** A seed changed one to four times, or now and then bytes of no meaning. */
export function mutated(seeds: readonly Uint8Array[], draw: Draw): Uint8Array {
  if (draw(64) === 0) return Uint8Array.from({ length: draw(200) }, () => draw(256));
  let bytes = seeds[draw(seeds.length)];
  for (let left = 1 + draw(4); left > 0 && bytes.length > 0; left--) {
    bytes = MUTATIONS[draw(MUTATIONS.length)](bytes, draw, seeds);
  }
  return bytes;
}
