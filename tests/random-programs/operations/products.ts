/** @file Products, convolutions and sliding windows. */

import * as g from "../../../src/graph/index.ts";
import { type Operations, operation } from "../plan.ts";
import { FLOATS, LARGEST, NUMBERS, type Scope } from "../scope.ts";

const tuple = (numbers: readonly number[]): string => `(${numbers.map((n) => `${n},`).join(" ")})`;
const pairs = (list: readonly (readonly number[])[]): string => `[${list.map(tuple).join(", ")}]`;

interface Dot {
  readonly lhsBatch: number[];
  readonly rhsBatch: number[];
  readonly lhsContract: number[];
  readonly rhsContract: number[];
  readonly dtype?: g.DType;
}

/** A right side for a product: axes in roles, in some order. */
function drawDot(scope: Scope): { args: number[]; attrs: Dot } | undefined {
  const x = scope.pick({ dtypes: NUMBERS, fits: ({ shape }) => g.sizeOf(shape) <= 64 });
  const roles = x.shape.map(() => scope.choose(["batch", "contract", "contract", "free"]));
  const of = (role: string) => x.shape.map((_, i) => i).filter((i) => roles[i] === role);
  const [lhsBatch, lhsContract] = [of("batch"), of("contract")];
  const own = Array.from({ length: scope.below(3) }, () => scope.extent());
  const extents = [...[...lhsBatch, ...lhsContract].map((i) => x.shape[i]), ...own];
  if (extents.length > 4) return undefined;
  const kept = [...lhsBatch, ...of("free")].map((i) => x.shape[i]);
  if (g.sizeOf([...kept, ...own]) > LARGEST) return undefined;
  const order = scope.order(extents.length);
  const shape = order.map((i) => extents[i]);
  const y = scope.like({ shape, dtype: x.dtype });
  const place = (i: number) => order.indexOf(i);
  const narrow = x.dtype === "float16" || x.dtype === "bfloat16";
  return {
    args: [x.id, y],
    attrs: {
      lhsBatch,
      lhsContract,
      rhsBatch: lhsBatch.map((_, i) => place(i)),
      rhsContract: lhsContract.map((_, i) => place(lhsBatch.length + i)),
      ...(narrow && scope.chance(0.4) && { dtype: "float32" }),
    },
  };
}

interface Conv {
  readonly strides: number[];
  readonly padding: [number, number][];
  readonly lhsDilation: number[];
  readonly rhsDilation: number[];
  readonly groups: number;
  readonly batchGroups: number;
}

interface Window {
  readonly kind: g.WindowKind;
  readonly window: number[];
  readonly strides: number[];
  readonly padding: [number, number][];
}

function drawWindow(scope: Scope, shape: g.Shape): Omit<Window, "kind"> {
  const window = shape.map(() => 1 + scope.below(3));
  return {
    window,
    strides: shape.map(() => 1 + scope.below(2)),
    padding: window.map((k): [number, number] => [scope.below(k), scope.below(k)]),
  };
}

const small = { minRank: 1, maxRank: 3, fits: ({ shape }: g.Spec) => g.sizeOf(shape) <= 60 };

/** Products and windows. */
export const products: Operations = {
  dotGeneral: operation<Dot>({
    of: ["dotGeneral"],
    draw: drawDot,
    apply: ([x, y], attrs) => g.dotGeneral(x, y, attrs),
    python: ([x, y], { lhsContract, rhsContract, lhsBatch, rhsBatch }, { outs }) => {
      const contract = `(${tuple(lhsContract)}, ${tuple(rhsContract)})`;
      const batch = `(${tuple(lhsBatch)}, ${tuple(rhsBatch)})`;
      return `ours.dot(${x}, ${y}, (${contract}, ${batch}), jnp.${outs[0].dtype})`;
    },
  }),
  matmul: operation({
    of: ["dotGeneral"],
    draw(scope) {
      const x = scope.pick({
        dtypes: NUMBERS,
        minRank: 1,
        fits: ({ shape }) => g.sizeOf(shape) <= 64,
      });
      const lead = scope.chance(0.3) ? x.shape.slice(0, -2) : [];
      const columns = scope.chance(0.2) && lead.length === 0 ? [] : [scope.extent()];
      return {
        args: [x.id, scope.like({ shape: [...lead, x.shape.at(-1)!, ...columns], dtype: x.dtype })],
      };
    },
    apply: ([x, y]) => g.matmul(x, y),
    python: ([x, y]) => `ours.matmul(${x}, ${y})`,
  }),
  /** A dense layer of the bfloat16 policy: float32 parameters, products of halves. */
  policyDense: operation<{ dtype: g.DType }>({
    of: ["dotGeneral", "convert"],
    draw(scope) {
      const fits = ({ shape }: g.Spec) => g.sizeOf(shape) <= 64;
      const x = scope.pick({ dtypes: ["float32"], minRank: 1, fits });
      const [rows, columns] = [x.shape.at(-1)!, scope.extent()];
      const kernel = scope.like({ shape: [rows, columns], dtype: "float32" });
      const bias = scope.like({ shape: [columns], dtype: "float32" });
      const dtype = scope.choose<g.DType>(["bfloat16", "bfloat16", "float16"]);
      return { args: [x.id, kernel, bias], attrs: { dtype } };
    },
    apply([x, kernel, bias], { dtype }) {
      const product = g.matmul(g.convert(x, dtype), g.convert(kernel, dtype));
      return g.convert(g.add(product, g.convert(bias, dtype)), "float32");
    },
    python: ([x, kernel, bias], { dtype }) =>
      `ours.policy_dense(${x}, ${kernel}, ${bias}, jnp.${dtype})`,
  }),
  fft: operation<{ inverse: boolean }>({
    of: ["fft"],
    draw(scope) {
      const x = scope.pick({ dtypes: FLOATS, minRank: 1, fits: ({ shape }) => shape.at(-1)! > 0 });
      return { args: [x.id, scope.like(x)], attrs: { inverse: scope.chance(0.5) } };
    },
    apply([x, y], { inverse }) {
      const made = (inverse ? g.ifft : g.fft)({ real: x, imaginary: y });
      return [made.real, made.imaginary];
    },
    python: ([x, y], { inverse }) => `ours.fft(${x}, ${y}, ${inverse ? "True" : "False"})`,
  }),
  rfft: operation({
    of: ["fft"],
    draw: (scope) => ({
      args: [scope.pick({ dtypes: FLOATS, minRank: 1, fits: ({ shape }) => shape.at(-1)! > 0 }).id],
    }),
    apply([x]) {
      const { real, imaginary } = g.rfft(x);
      return [real, imaginary];
    },
    python: ([x]) => `ours.rfft(${x})`,
  }),
  conv: operation<Conv>({
    of: ["convGeneralDilated"],
    draw(scope) {
      const rank = scope.chance(0.6) ? 2 : 1;
      const dtype = scope.chance(0.6) ? "float32" : scope.choose(NUMBERS);
      const [groups, batchGroups] = scope.choose([
        [1, 1],
        [1, 1],
        [2, 1],
        [3, 1],
        [1, 2],
      ]);
      const channels = 1 + scope.below(3);
      const extents = Array.from({ length: rank }, () => 1 + scope.below(4));
      const batch = (1 + scope.below(2)) * batchGroups;
      const x = scope.like({ shape: [batch, ...extents, channels * groups], dtype });
      const window = extents.map(() => 1 + scope.below(3));
      const features = (1 + scope.below(3)) * groups * batchGroups;
      const kernel = scope.like({ shape: [...window, channels, features], dtype });
      const each = (high: number) => extents.map(() => 1 + scope.below(high));
      const attrs = {
        strides: each(2),
        padding: window.map((): [number, number] => [scope.below(3, -1), scope.below(3)]),
        lhsDilation: scope.chance(0.3) ? each(2) : extents.map(() => 1),
        rhsDilation: scope.chance(0.3) ? each(2) : extents.map(() => 1),
        groups,
        batchGroups,
      };
      return { args: [x, kernel], attrs };
    },
    apply: ([x, kernel], attrs) => g.conv(x, kernel, attrs),
    python: ([x, kernel], { strides, padding, lhsDilation, rhsDilation, groups, batchGroups }) =>
      `ours.conv(${x}, ${kernel}, ${tuple(strides)}, ${pairs(padding)}, ${tuple(lhsDilation)}, ${tuple(rhsDilation)}, ${groups}, ${batchGroups})`,
  }),
  reduceWindow: operation<Window>({
    of: ["reduceWindow"],
    draw(scope) {
      const x = scope.pick({ ...small, dtypes: NUMBERS });
      const kind = scope.choose<g.WindowKind>(["sum", "max", "min"]);
      return { args: [x.id], attrs: { kind, ...drawWindow(scope, x.shape) } };
    },
    apply: ([x], { kind, window, strides, padding }) =>
      g.reduceWindow(x, kind, window, strides, padding),
    // where the gradient of an extreme falls at ties in padded windows is listed
    python: ([x], { kind, window, strides, padding }) =>
      kind !== "sum" && padding.flat().some((n) => n > 0)
        ? undefined
        : `ours.window_${kind}(${x}, ${tuple(window)}, ${tuple(strides)}, ${pairs(padding)})`,
  }),
  selectAndScatterAdd: operation<Window>({
    of: ["selectAndScatterAdd"],
    draw(scope) {
      const x = scope.pick({ ...small, dtypes: FLOATS });
      const kind = scope.choose<"max" | "min">(["max", "min"]);
      const dims = drawWindow(scope, x.shape);
      const { shape } = g.trace(
        (a: g.Tensor) => g.reduceWindow(a, kind, dims.window, dims.strides, dims.padding),
        x,
      ).program.outputs[0];
      return { args: [x.id, scope.like({ shape, dtype: x.dtype })], attrs: { kind, ...dims } };
    },
    apply: ([x, source], attrs) =>
      g.selectAndScatterAdd(x, source, { ...attrs, kind: attrs.kind as "max" | "min" }),
    python: () => undefined,
  }),
};
