/** @file Fourier transforms of real and of complex numbers, which are pairs of tensors. */

import { fromNumbers, isFloat, sizeOf } from "../dtype.ts";
import { type DecomposedPrimitive, type Tensor, dtypeError, emit, shapeError } from "../tensor.ts";
import { roundValue, zerosValue } from "../values.ts";
import { add, mul, neg, sub } from "./arithmetic.ts";
import { broadcastBatch } from "./broadcast.ts";
import { constant, zerosLike } from "./constant.ts";
import { matmul } from "./dot.ts";
import { checkSame } from "./pointwise.ts";
import { convert, widened } from "./select.ts";
import { axisOf, moveAxis, reshape, reverse, swapAxes } from "./shape.ts";
import { concatenate, sliceAxis } from "./slice.ts";

/** Complex numbers as two tensors of one shape. */
export interface Complex {
  readonly real: Tensor;
  readonly imaginary: Tensor;
}

const fftP: DecomposedPrimitive<"fft", { inverse: boolean }> = {
  name: "fft",
  infer(inputs) {
    const [{ shape, dtype }] = inputs;
    if (!isFloat(dtype)) throw dtypeError("fft", inputs, `takes floats, not ${dtype}`);
    checkSame("fft", inputs);
    if (shape.length === 0 || shape.at(-1) === 0) {
      throw shapeError("fft", inputs, "needs a last axis that is not empty");
    }
    return [
      { shape, dtype },
      { shape, dtype },
    ];
  },
  // the transpose of a matrix of e^(iωjk) is its own; of real numbers the complex conjugate turns ω around
  gradient({ inputs, outputs, attrs }, [dReal, dImaginary]) {
    const [real, imaginary] = [dReal ?? zerosLike(outputs[0]), dImaginary ?? zerosLike(outputs[1])];
    return emit(fftP, [real, imaginary], { inverse: !attrs.inverse }).slice(0, inputs.length);
  },
  batch: (context) => emit(fftP, broadcastBatch(context), context.attrs),
  interpret([real, imaginary], { inverse }) {
    const n = real.shape.at(-1)!;
    const made = [zerosValue(real.shape, real.dtype), zerosValue(real.shape, real.dtype)];
    for (let from = 0; from < real.data.length; from += n) {
      for (let k = 0; k < n; k++) {
        let [x, y] = [0, 0];
        for (let j = 0; j < n; j++) {
          const [c, s] = rootOfUnity((j * k) % n, n, inverse);
          const [a, b] = [real.data[from + j], imaginary?.data[from + j] ?? 0];
          x += a * c - b * s;
          y += a * s + b * c;
        }
        made[0].data[from + k] = x;
        made[1].data[from + k] = y;
      }
    }
    return made.map(roundValue);
  },
  decompose([real, imaginary], { inverse }) {
    const made = transform(
      { real: widened(real), imaginary: imaginary && widened(imaginary) },
      inverse,
    );
    return [made.real, made.imaginary].map((x) => convert(x, real.dtype));
  },
  flops: ([{ shape }]) => 5 * sizeOf(shape) * Math.log2(shape.at(-1)! + 1),
};

/** cos and sin of 2π k / n, the angle turned unless it is inverse. */
function rootOfUnity(k: number, n: number, inverse: boolean): [cosine: number, sine: number] {
  const angle = ((inverse ? 2 : -2) * Math.PI * k) / n;
  return [Math.cos(angle), Math.sin(angle)];
}

/** Up to here a transform is one product with its matrix. */
const WHOLE = 64;

/** The factor of n nearest to its root: 1 where n is prime. */
function factorOf(n: number): number {
  let factor = Math.floor(Math.sqrt(n));
  while (n % factor !== 0) factor--;
  return factor;
}

type Half = Tensor | undefined;

/**
 * The transform along the last axis: a product with the matrix of roots of unity, or with n = a b such products over a
 * and over b with a factor for each element between them (Cooley & Tukey 1965).
 */
function transform(
  x: { readonly real: Tensor; readonly imaginary: Half },
  inverse: boolean,
): Complex {
  const n = x.real.shape.at(-1)!;
  const a = n <= WHOLE ? 1 : factorOf(n);
  if (a === 1) return throughMatrix(x, inverse);
  const b = n / a;
  const lead = x.real.shape.slice(0, -1);
  const each = (fn: (part: Tensor) => Tensor) => ({
    real: fn(x.real),
    imaginary: x.imaginary && fn(x.imaginary),
  });
  // element b·i + j stands in row i, column j: columns first
  const columns = transform(
    each((part) => swapAxes(reshape(part, [...lead, a, b]), -1, -2)),
    inverse,
  ); // [..., b, a]
  const [cosine, sine] = roots(b, a, n, inverse);
  const real = sub(mul(columns.real, cosine), mul(columns.imaginary, sine));
  const imaginary = add(mul(columns.real, sine), mul(columns.imaginary, cosine));
  const rows = transform(
    { real: swapAxes(real, -1, -2), imaginary: swapAxes(imaginary, -1, -2) },
    inverse,
  ); // [..., a, b], of which element k + a·l stands in row k, column l
  const flat = (part: Tensor): Tensor => reshape(swapAxes(part, -1, -2), [...lead, n]);
  return { real: flat(rows.real), imaginary: flat(rows.imaginary) };
}

/** cos and sin of 2π i j / n for i < rows, j < columns. */
function roots(rows: number, columns: number, n: number, inverse: boolean): Tensor[] {
  const pairs = Array.from({ length: rows * columns }, (_, at) =>
    rootOfUnity((Math.floor(at / columns) * (at % columns)) % n, n, inverse),
  );
  return [0, 1].map((part) =>
    constant(
      fromNumbers(
        pairs.map((pair) => Math.fround(pair[part])),
        [rows, columns],
        "float32",
      ),
    ),
  );
}

function throughMatrix(
  { real, imaginary }: { readonly real: Tensor; readonly imaginary: Half },
  inverse: boolean,
): Complex {
  const n = real.shape.at(-1)!;
  const both = concatenate(
    roots(n, n, n, inverse).map((part) => convert(part, real.dtype)),
    1,
  ); // [n, 2 n]: cos, sin
  const flat = (x: Tensor): Tensor => reshape(x, [-1, n]);
  const halves = (x: Tensor): Tensor[] => {
    const made = matmul(flat(x), both);
    return [sliceAxis(made, 1, 0, n), sliceAxis(made, 1, n)].map((y) => reshape(y, x.shape));
  };
  const [cosines, sines] = halves(real);
  if (!imaginary) return { real: cosines, imaginary: sines };
  const [turnedCosines, turnedSines] = halves(imaginary);
  return { real: sub(cosines, turnedSines), imaginary: add(sines, turnedCosines) };
}

/** The primitive by name. */
export const fftPrimitives = { fft: fftP };

/** Runs a transform along an axis. */
function along(x: readonly Tensor[], axis: number, inverse: boolean): Complex {
  const at = axisOf("fft", x[0], axis);
  const last = x[0].rank - 1;
  const [real, imaginary] = emit(
    fftP,
    x.map((part) => moveAxis(part, at, last)),
    { inverse },
  ).map((part) => moveAxis(part, last, at));
  return { real, imaginary };
}

/** The discrete Fourier transform Σⱼ xⱼ e^(−2πi jk / n) of complex numbers along an axis. */
export const fft = ({ real, imaginary }: Complex, axis = -1): Complex =>
  along([real, imaginary], axis, false);

/** The inverse of {@link fft}: Σₖ xₖ e^(2πi jk / n) / n. */
export function ifft({ real, imaginary }: Complex, axis = -1): Complex {
  const made = along([real, imaginary], axis, true);
  const n = real.shape[axisOf("ifft", real, axis)];
  return { real: mul(made.real, 1 / n), imaginary: mul(made.imaginary, 1 / n) };
}

/** The Fourier transform of real numbers along an axis: its first ⌊n / 2⌋ + 1 terms, of which the others are conjugates. */
export function rfft(x: Tensor, axis = -1): Complex {
  const made = along([x], axis, false);
  const kept = Math.floor(x.shape[axisOf("rfft", x, axis)] / 2) + 1;
  return {
    real: sliceAxis(made.real, axis, 0, kept),
    imaginary: sliceAxis(made.imaginary, axis, 0, kept),
  };
}

/**
 * The n real numbers of which {@link rfft} makes these ⌊n / 2⌋ + 1 terms; the imaginary part of the first, and for even n
 * of the last, does not count.
 *
 * @throws OcelliError "shape" unless there are ⌊n / 2⌋ + 1 terms
 */
export function irfft({ real, imaginary }: Complex, n: number, axis = -1): Tensor {
  const at = axisOf("irfft", real, axis);
  const kept = Math.floor(n / 2) + 1;
  if (real.shape[at] !== kept) {
    throw shapeError(
      "irfft",
      [real, imaginary],
      `${n} numbers have ${kept} terms along axis ${at}`,
    );
  }
  const rest = (x: Tensor): Tensor => reverse(sliceAxis(x, at, 1, n - kept + 1), at);
  const edge = (x: Tensor, from: number, to: number): Tensor => sliceAxis(x, at, from, to);
  // the first term, and the middle one of an even number, are their own conjugates
  const middle = n % 2 === 0 && n > 0 ? kept - 1 : kept;
  const own = concatenate(
    [
      zerosLike(edge(imaginary, 0, 1)),
      edge(imaginary, 1, middle),
      zerosLike(edge(imaginary, middle, kept)),
    ],
    at,
  );
  const whole = {
    real: concatenate([real, rest(real)], at),
    imaginary: concatenate([own, neg(rest(own))], at),
  };
  return ifft(whole, at).real;
}

/** The transform of real images over their last two axes: terms [..., height, ⌊width / 2⌋ + 1]. */
export const rfft2 = (x: Tensor): Complex => fft(rfft(x), -2);

/** The real images [..., height, width] of which {@link rfft2} makes these terms. */
export const irfft2 = (x: Complex, width: number): Tensor => irfft(ifft(x, -2), width);
