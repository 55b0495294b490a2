/** @file Composites: normalisations, activations, attention. */

import * as g from "../../../src/graph/index.ts";
import { type Operation, type Operations, operation } from "../plan.ts";
import { FLOATS } from "../scope.ts";

const activation = (
  of: g.CompositeName,
  fn: (x: g.Tensor) => g.Tensor,
  python: string,
): Operation =>
  operation({
    of: [of, "composite"],
    draw: (scope) => ({ args: [scope.pick({ dtypes: FLOATS }).id] }),
    apply: ([x]) => fn(x),
    python: ([x]) => `${python}(${x})`,
  });

const overAxis = (
  of: g.CompositeName,
  fn: (x: g.Tensor, axis: number) => g.Tensor,
  python: string,
): Operation =>
  operation<{ axis: number }>({
    of: [of],
    draw(scope) {
      const x = scope.pick({ dtypes: FLOATS, minRank: 1 });
      return { args: [x.id], attrs: { axis: scope.below(x.shape.length) } };
    },
    apply: ([x], { axis }) => fn(x, axis),
    python: ([x], { axis }) => `${python}(${x}, axis=${axis})`,
  });

const nonEmpty = ({ shape }: g.Spec): boolean => g.sizeOf(shape) > 0;

/** The named sub-programs. */
export const composites: Operations = {
  softmax: overAxis("softmax", g.softmax, "ours.softmax"),
  logSoftmax: overAxis("logSoftmax", g.logSoftmax, "ours.log_softmax"),
  gelu: activation("gelu", g.gelu, "jax.nn.gelu"),
  geluExact: activation("gelu", g.geluExact, "ours.gelu_exact"),
  layerNorm: operation<{ epsilon: number }>({
    of: ["layerNorm"],
    draw(scope) {
      const x = scope.pick({ dtypes: FLOATS, minRank: 1, fits: nonEmpty });
      const features = { shape: [x.shape.at(-1)!], dtype: x.dtype };
      const args = [x.id, scope.like(features), scope.like(features)];
      return { args, attrs: { epsilon: scope.choose([1e-2, 1e-1]) } };
    },
    apply: ([x, scale, bias], { epsilon }) => g.layerNorm(x, scale, bias, epsilon),
    python: ([x, scale, bias], { epsilon }) =>
      `ours.layer_norm(${x}, ${scale}, ${bias}, ${epsilon})`,
  }),
  rmsNorm: operation<{ epsilon: number }>({
    of: ["rmsNorm"],
    draw(scope) {
      const x = scope.pick({ dtypes: FLOATS, minRank: 1, fits: nonEmpty });
      const args = [x.id, scope.like({ shape: [x.shape.at(-1)!], dtype: x.dtype })];
      return { args, attrs: { epsilon: scope.choose([1e-2, 1e-1]) } };
    },
    apply: ([x, scale], { epsilon }) => g.rmsNorm(x, scale, epsilon),
    python: ([x, scale], { epsilon }) => `ours.rms_norm(${x}, ${scale}, ${epsilon})`,
  }),
  groupNorm: operation<{ groups: number; epsilon: number }>({
    of: ["groupNorm"],
    draw(scope) {
      const x = scope.pick({ dtypes: FLOATS, minRank: 2, fits: nonEmpty });
      const n = x.shape.at(-1)!;
      const features = { shape: [n], dtype: x.dtype };
      const groups = scope.choose([1, 2, 3].filter((k) => n % k === 0));
      const args = [x.id, scope.like(features), scope.like(features)];
      return { args, attrs: { groups, epsilon: scope.choose([1e-2, 1e-1]) } };
    },
    apply: ([x, scale, bias], { groups, epsilon }) => g.groupNorm(x, scale, bias, groups, epsilon),
    python: ([x, scale, bias], { groups, epsilon }) =>
      `ours.group_norm(${x}, ${scale}, ${bias}, ${groups}, ${epsilon})`,
  }),
  attention: operation({
    of: ["attention"],
    draw(scope) {
      const dtype = scope.choose<g.DType>(["float32", "float32", ...FLOATS]);
      const [batch, heads, dim] = [1 + scope.below(2), 1 + scope.below(2), 1 + scope.below(3)];
      const [queries, keys] = [1 + scope.below(3), 1 + scope.below(3)];
      const [q, k] = [queries, keys].map((n) => ({ shape: [batch, n, heads, dim], dtype }));
      const args = [scope.like(q), scope.like(k), scope.like(k)];
      const mask = scope.chance(0.4)
        ? [scope.like({ shape: [batch, heads, queries, keys], dtype })]
        : [];
      return { args: [...args, ...mask] };
    },
    apply: ([q, k, v, mask]: (g.Tensor | undefined)[]) => g.attention(q!, k!, v!, mask),
    python: (args) => `ours.attention(${args.join(", ")})`,
  }),
};
