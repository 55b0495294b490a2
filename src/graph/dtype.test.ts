import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DTYPES,
  byteSize,
  fromBfloat16Bits,
  fromFloat16Bits,
  fromNumbers,
  hostArray,
  nextFloat32,
  roundHalfEven,
  stridesOf,
  toBfloat16Bits,
  toFloat16Bits,
  toNumbers,
} from "./dtype.ts";

const PATTERNS = Array.from({ length: 0x10000 }, (_, bits) => bits);
const word = new DataView(new ArrayBuffer(4));

/** Float32 numbers by their bits: subnormals, infinities and NaN as likely as the rest. */
const anyFloat32 = fc.nat({ max: 2 ** 32 - 1 }).map((bits) => {
  word.setUint32(0, bits);
  return word.getFloat32(0);
});

/** The value of a half-width pattern, from its definition: sign, exponent and mantissa. */
function valueOf(bits: number, exponentBits: number, mantissaBits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = Math.floor(bits / 2 ** mantissaBits) % 2 ** exponentBits;
  const mantissa = (bits % 2 ** mantissaBits) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return mantissa ? NaN : sign * Infinity;
  return exponent === 0
    ? sign * mantissa * 2 ** (1 - bias)
    : sign * (1 + mantissa) * 2 ** (exponent - bias);
}

const formats = [
  {
    name: "bfloat16",
    toBits: toBfloat16Bits,
    fromBits: fromBfloat16Bits,
    exponent: 8,
    mantissa: 7,
  },
  { name: "float16", toBits: toFloat16Bits, fromBits: fromFloat16Bits, exponent: 5, mantissa: 10 },
] as const;

describe.for(formats)("$name", ({ toBits, fromBits, exponent, mantissa }) => {
  const values = PATTERNS.map((bits) => valueOf(bits, exponent, mantissa));
  const finite = values.filter(Number.isFinite).sort((a, b) => a - b);

  it("decodes every pattern to its value", () => {
    expect(PATTERNS.filter((bits) => !Object.is(fromBits(bits), values[bits]))).toEqual([]);
  });

  it("encodes every value to its pattern", () => {
    const changed = PATTERNS.filter(
      (bits) => !Number.isNaN(values[bits]) && toBits(values[bits]) !== bits,
    );
    expect(changed).toEqual([]);
    expect(fromBits(toBits(NaN))).toBeNaN();
  });

  it("rounds float32 to the nearest value, ties to the even pattern", () => {
    /** The nearest value by search among all of them. */
    const nearest = (x: number): number => {
      const largest = finite.at(-1)!;
      const half = (largest - finite.at(-2)!) / 2;
      if (Math.abs(x) >= largest + half) return Math.sign(x) * Infinity;
      let [low, high] = [0, finite.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (finite[middle] < x) low = middle + 1;
        else high = middle;
      }
      const [above, below] = [finite[low], finite[Math.max(low - 1, 0)]];
      if (x - below !== above - x) return x - below < above - x ? below : above;
      return toBits(above) % 2 === 0 ? above : below;
    };
    fc.assert(
      fc.property(anyFloat32, (x) => {
        fc.pre(!Number.isNaN(x));
        const rounded = fromBits(toBits(x));
        expect(rounded === nearest(x) || (rounded === 0 && nearest(x) === 0)).toBe(true);
        expect(Object.is(Math.sign(rounded), -0) || Math.sign(rounded) < 0).toBe(
          x < 0 || Object.is(x, -0),
        );
      }),
      { numRuns: 3000 },
    );
  });

  it("rounds halfway points to even", () => {
    for (let i = 1; i < finite.length; i += 97) {
      const [below, above] = [finite[i - 1], finite[i]];
      const middle = (below + above) / 2;
      if (Math.fround(middle) !== middle || middle === below) continue;
      const even = toBits(above) % 2 === 0 ? above : below;
      expect(fromBits(toBits(middle)) - even).toBe(0);
    }
  });
});

describe("roundHalfEven", () => {
  it.for([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, -0],
    [-1.5, -2],
    [-0.2, -0],
    [-0, -0],
    [2 ** 52 + 1, 2 ** 52 + 1],
    [Infinity, Infinity],
    [NaN, NaN],
  ] as const)("takes %d to %d", ([x, rounded]) => {
    expect(roundHalfEven(x)).toBe(rounded);
  });
});

describe("host arrays", () => {
  it("hold numbers of every dtype", () => {
    for (const dtype of DTYPES) {
      const array = fromNumbers([0, 1, 1], [3], dtype);
      expect(toNumbers(array)).toEqual([0, 1, 1]);
      expect(array.data.byteLength).toBe(3 * byteSize(dtype));
    }
  });

  it("wrap integers and make bools of numbers", () => {
    expect(toNumbers(fromNumbers([-1, 256, 3.9], [3], "uint8"))).toEqual([255, 0, 3]);
    expect(toNumbers(fromNumbers([2, 0, NaN], [3], "bool"))).toEqual([1, 0, 0]);
  });

  it("refuse data of another length or type", () => {
    expect(() => hostArray([2, 2], "float32", new Float32Array(3))).toThrow(
      "shape [2,2] holds 4 elements, the data 3.",
    );
    expect(() => hostArray([1], "bfloat16", new Float32Array(1))).toThrow(
      "bfloat16 data lives in a Uint16Array, not in a Float32Array.",
    );
  });

  it("are row-major", () => {
    expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1]);
    expect(stridesOf([])).toEqual([]);
  });
});

describe("nextFloat32", () => {
  it.for([
    [1, 1, 1 + 2 ** -23],
    [1, -1, 1 - 2 ** -24],
    [-2, 1, -2 + 2 ** -23],
    [0, 1, 2 ** -149],
    [-0, -1, -(2 ** -149)],
    [2 ** -149, -1, 0],
    [0.1, 1, Math.fround(0.1) + 2 ** -27],
    [Infinity, 1, Infinity],
    [Infinity, -1, (2 - 2 ** -23) * 2 ** 127],
    [NaN, 1, NaN],
  ] as const)("of %d towards %d is %d", ([value, direction, next]) => {
    expect(nextFloat32(value, direction)).toBe(next);
  });

  it("has no float32 in between", () => {
    fc.assert(
      fc.property(anyFloat32, (value) => {
        if (!Number.isFinite(value)) return;
        const next = nextFloat32(value, 1);
        expect(next).toBeGreaterThan(value);
        expect([value, next]).toContain(Math.fround(value / 2 + next / 2));
      }),
    );
  });
});
