/** @file Composites: operations with a decomposition, an optional gradient rule, and whole lowerings in engines. */

import { batchReplay } from "../batching.ts";
import { pullBack } from "../gradient.ts";
import { interpretProgram } from "../interpret.ts";
import { type Program, replay, traceRegion } from "../program.ts";
import type {
  Tensor} from "../tensor.ts";
import {
  type Cotangent,
  type Primitive,
  emit,
  equationMark,
  shapeError,
  specOf,
} from "../tensor.ts";
import { broadcastTo } from "./broadcast.ts";
import { programFlops, stopGradient } from "./control.ts";
import { einsum } from "./dot.ts";
import {
  add,
  div,
  exp,
  isFinite,
  log,
  logistic,
  mul,
  rsqrt,
  select,
  sub,
  tanh,
} from "./elementwise.ts";
import { zerosLike } from "./constant.ts";
import { mean, reduceMax, reduceSum } from "./reduce.ts";
import { axisOf, reshape } from "./shape.ts";

/** The names that engines may lower as a whole. */
export type CompositeName =
  | "softmax"
  | "logSoftmax"
  | "layerNorm"
  | "rmsNorm"
  | "groupNorm"
  | "gelu"
  | "attention"
  | "customGradient";

/** Cotangents of the inputs from inputs, outputs (residuals included) and the cotangents of the outputs. */
export type CompositeGradient = (
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  cotangents: readonly Cotangent[],
  needs: readonly boolean[],
) => readonly Cotangent[];

/** A named sub-program. */
export interface CompositeAttrs {
  readonly name: CompositeName;
  /** Static arguments, for lowerings. */
  readonly options: Readonly<Record<string, number | string | boolean>>;
  readonly program: Program;
  /** How many leading outputs the caller sees; the rest are residuals for the rule. */
  readonly results: number;
  readonly rule?: CompositeGradient;
  /** The rule is the definition (customGradient), not a faster form of the decomposition's gradient. */
  readonly ruleIsFinal?: boolean;
}

const compositeP: Primitive<"composite", CompositeAttrs> = {
  name: "composite",
  infer: (_inputs, { program }) => program.outputs.map(specOf),
  gradient({ inputs, outputs, attrs, needs }, cotangents) {
    const { program, results, rule, ruleIsFinal } = attrs;
    const plain = cotangents.slice(results).every((d) => d === null);
    if (rule && (plain || ruleIsFinal)) return rule(inputs, outputs, cotangents, needs);
    const mark = equationMark();
    const made = replay(program, inputs);
    const wanted = inputs.filter((_, i) => needs[i]);
    const grads = pullBack(made, cotangents, wanted, ({ id }) => id < mark);
    return needs.map((need) => (need ? (grads.shift() ?? null) : null));
  },
  batch: ({ inputs, batched, attrs, size }) => {
    if (!attrs.ruleIsFinal) return batchReplay(attrs.program, inputs, batched, size);
    const specs = inputs.map(specOf);
    const program = traceRegion(specs, (...args) =>
      batchReplay(attrs.program, args, batched, size),
    ).program;
    return emit(compositeP, inputs, { ...attrs, program, rule: batchRule(attrs, batched, size) });
  },
  interpret: (inputs, { program }) => interpretProgram(program, inputs),
  flops: (_inputs, _outputs, { program }) => programFlops(program),
};

/** A custom rule over a batch: the rule itself is traced for one example and batched. */
function batchRule(
  attrs: CompositeAttrs,
  batched: readonly boolean[],
  size: number,
): CompositeGradient {
  return (inputs, outputs, cotangents, needs) => {
    const present = cotangents.filter((d): d is Tensor => d !== null);
    const all = [...inputs, ...outputs, ...present];
    const flags = [...batched, ...outputs.map(() => true), ...present.map(() => true)];
    const specs = all.map(({ shape, dtype }, i) => ({
      shape: flags[i] ? shape.slice(1) : shape,
      dtype,
    }));
    let missing: boolean[] = [];
    const region = traceRegion(specs, (...args) => {
      const xs = args.slice(0, inputs.length);
      const ys = args.slice(inputs.length, inputs.length + outputs.length);
      const rest = args.slice(inputs.length + outputs.length);
      const ds = attrs.rule!(
        xs,
        ys,
        cotangents.map((d) => d && rest.shift()!),
        needs,
      );
      missing = ds.map((d) => d === null);
      return ds.filter((d): d is Tensor => d !== null);
    });
    const operands = [...all, ...region.captures];
    const grads = batchReplay(
      region.program,
      operands,
      [...flags, ...region.captures.map(() => false)],
      size,
    );
    return missing.map((none, i) => {
      if (none) return null;
      const d = grads.shift()!;
      return batched[i] ? d : reduceSum(d, 0);
    });
  };
}

/** The composite primitive by name. */
export const compositePrimitives = { composite: compositeP };

interface CompositeDefinition {
  readonly name: CompositeName;
  readonly options?: CompositeAttrs["options"];
  /** Outputs the caller sees; the default is one. */
  readonly results?: number;
  readonly decompose: (...inputs: Tensor[]) => readonly Tensor[];
  readonly rule?: CompositeGradient;
  readonly ruleIsFinal?: boolean;
}

function applyComposite(definition: CompositeDefinition, inputs: readonly Tensor[]): Tensor[] {
  const { name, options = {}, results = 1, decompose, rule, ruleIsFinal } = definition;
  const { program, captures } = traceRegion(inputs.map(specOf), decompose);
  const padded: CompositeGradient | undefined =
    rule &&
    ((xs, ys, ds, needs) => [
      ...rule(xs.slice(0, inputs.length), ys, ds, needs),
      ...captures.map(() => null),
    ]);
  const attrs = { name, options, program, results, rule: padded, ruleIsFinal };
  return emit(compositeP, [...inputs, ...captures], attrs);
}

/**
 * A function with a gradient of its own. `fn` returns its outputs and what the rule needs of the forward pass;
 * `rule` gets these residuals and the cotangents of the outputs (zeros filled in), and returns those of the inputs.
 */
export function customGradient(
  fn: (...args: Tensor[]) => { outputs: readonly Tensor[]; residuals: readonly Tensor[] },
  rule: (residuals: readonly Tensor[], cotangents: readonly Tensor[]) => readonly Cotangent[],
): (...args: Tensor[]) => Tensor[] {
  return (...args) => {
    let results = 0;
    const decompose = (...inner: Tensor[]): Tensor[] => {
      const { outputs, residuals } = fn(...inner);
      results = outputs.length;
      return [...outputs, ...residuals];
    };
    const region = traceRegion(args.map(specOf), decompose);
    const inputs = [...args, ...region.captures];
    const made = emit(compositeP, inputs, {
      name: "customGradient",
      options: {},
      program: region.program,
      results,
      ruleIsFinal: true,
      rule: (_xs, ys, ds) => {
        const filled = ys.slice(0, results).map((y, i) => ds[i] ?? zerosLike(y));
        return [...rule(ys.slice(results), filled), ...region.captures.map(() => null)];
      },
    });
    return made.slice(0, results);
  };
}

const keep = { keepDims: true };
const along = (x: Tensor, like: Tensor): Tensor => broadcastTo(x, like.shape);

/** exp(x) / Σ exp(x) along an axis, shifted by the maximum. */
export function softmax(x: Tensor, axis = -1): Tensor {
  const at = axisOf("softmax", x, axis);
  return applyComposite(
    {
      name: "softmax",
      options: { axis: at },
      decompose: (z) => {
        const e = exp(sub(z, along(shift(z, at), z)));
        return [div(e, along(reduceSum(e, at, keep), e))];
      },
      rule: (_inputs, [y], [d]) => [d && mul(y, sub(d, along(reduceSum(mul(d, y), at, keep), d)))],
    },
    [x],
  )[0];
}

/** The maximum along an axis, 0 where it is infinite, without a gradient. */
function shift(x: Tensor, axis: number): Tensor {
  const peak = stopGradient(reduceMax(x, axis, keep));
  return select(isFinite(peak), peak, zerosLike(peak));
}

/** x − log Σ exp(x) along an axis. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const at = axisOf("logSoftmax", x, axis);
  return applyComposite(
    {
      name: "logSoftmax",
      options: { axis: at },
      decompose: (z) => {
        const centred = sub(z, along(shift(z, at), z));
        return [sub(centred, along(log(reduceSum(exp(centred), at, keep)), z))];
      },
      rule: (_inputs, [y], [d]) => [d && sub(d, mul(exp(y), along(reduceSum(d, at, keep), d)))],
    },
    [x],
  )[0];
}

/**
 * (x − mean) / √(variance + ε) · scale + bias over the last axis; the variance is the biased one.
 * x [..., features], scale and bias [features]. Ba et al. 2016, arXiv:1607.06450.
 */
export function layerNorm(x: Tensor, scale: Tensor, bias: Tensor, epsilon = 1e-6): Tensor {
  checkFeatures("layerNorm", x, [scale, bias]);
  const axis = x.rank - 1;
  return applyComposite(
    {
      name: "layerNorm",
      options: { epsilon },
      decompose: (z, s, b) => {
        const centre = mean(z, axis, keep);
        const centred = sub(z, along(centre, z));
        const inverse = rsqrt(add(mean(mul(centred, centred), axis, keep), epsilon));
        const normal = mul(centred, along(inverse, z));
        return [add(mul(normal, along(s, z)), along(b, z)), centre, inverse];
      },
      rule: ([z, s], [, centre, inverse], [d], needs) => {
        if (!d) return [null, null, null];
        const lead = z.shape.map((_, i) => i).slice(0, -1);
        const normal = mul(sub(z, along(centre, z)), along(inverse, z));
        return [
          needs[0] ? normGradient(normal, inverse, mul(d, along(s, d)), axis, true) : null,
          needs[1] ? reduceSum(mul(d, normal), lead) : null,
          needs[2] ? reduceSum(d, lead) : null,
        ];
      },
    },
    [x, scale, bias],
  )[0];
}

/** d/dx of a normalisation, from the normalised values, 1/σ and the cotangent of the normalised values. */
function normGradient(
  normal: Tensor,
  inverse: Tensor,
  d: Tensor,
  axes: number | readonly number[],
  centred: boolean,
): Tensor {
  const projection = along(mean(mul(d, normal), axes, keep), d);
  const direct = centred ? sub(d, along(mean(d, axes, keep), d)) : d;
  return mul(along(inverse, d), sub(direct, mul(normal, projection)));
}

/**
 * x / √(mean(x²) + ε) · scale over the last axis. x [..., features], scale [features].
 * Zhang & Sennrich 2019, arXiv:1910.07467. (Gemma passes 1 + its parameter as scale.)
 */
export function rmsNorm(x: Tensor, scale: Tensor, epsilon = 1e-6): Tensor {
  checkFeatures("rmsNorm", x, [scale]);
  const axis = x.rank - 1;
  return applyComposite(
    {
      name: "rmsNorm",
      options: { epsilon },
      decompose: (z, s) => {
        const inverse = rsqrt(add(mean(mul(z, z), axis, keep), epsilon));
        return [mul(mul(z, along(inverse, z)), along(s, z)), inverse];
      },
      rule: ([z, s], [, inverse], [d], needs) => {
        if (!d) return [null, null];
        const normal = mul(z, along(inverse, z));
        const lead = z.shape.map((_, i) => i).slice(0, -1);
        return [
          needs[0] ? normGradient(normal, inverse, mul(d, along(s, d)), axis, false) : null,
          needs[1] ? reduceSum(mul(d, normal), lead) : null,
        ];
      },
    },
    [x, scale],
  )[0];
}

/**
 * Normalises each group of features over space and the group. x [batch, spatial…, features], scale and bias [features].
 * Wu & He 2018, arXiv:1803.08494.
 */
export function groupNorm(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  groups = 32,
  epsilon = 1e-6,
): Tensor {
  checkFeatures("groupNorm", x, [scale, bias]);
  const features = x.shape.at(-1)!;
  if (features % groups !== 0)
    throw shapeError("groupNorm", [x], `${features} features do not divide into ${groups} groups`);
  const grouped = [x.shape[0], -1, groups, features / groups];
  const axes = [1, 3];
  return applyComposite(
    {
      name: "groupNorm",
      options: { groups, epsilon },
      decompose: (z, s, b) => {
        const g = reshape(z, grouped);
        const centre = mean(g, axes, keep);
        const centred = sub(g, along(centre, g));
        const inverse = rsqrt(add(mean(mul(centred, centred), axes, keep), epsilon));
        const normal = reshape(mul(centred, along(inverse, g)), z.shape);
        return [add(mul(normal, along(s, z)), along(b, z)), centre, inverse];
      },
      rule: ([z, s], [, centre, inverse], [d], needs) => {
        if (!d) return [null, null, null];
        const g = reshape(z, grouped);
        const normal = mul(sub(g, along(centre, g)), along(inverse, g));
        const lead = z.shape.map((_, i) => i).slice(0, -1);
        const dNormal = reshape(mul(d, along(s, d)), g.shape);
        return [
          needs[0] ? reshape(normGradient(normal, inverse, dNormal, axes, true), z.shape) : null,
          needs[1] ? reduceSum(mul(d, reshape(normal, z.shape)), lead) : null,
          needs[2] ? reduceSum(d, lead) : null,
        ];
      },
    },
    [x, scale, bias],
  )[0];
}

function checkFeatures(operation: string, x: Tensor, parameters: readonly Tensor[]): void {
  const features = x.shape.at(-1);
  if (features === undefined || parameters.some((p) => p.rank !== 1 || p.shape[0] !== features)) {
    throw shapeError(operation, [x, ...parameters], `parameters must have shape [${features}]`);
  }
}

const GELU_CUBIC = 0.044715;
const GELU_SCALE = Math.sqrt(2 / Math.PI);

/** GELU in its tanh form, 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). Hendrycks & Gimpel 2016, arXiv:1606.08415. */
export function gelu(x: Tensor): Tensor {
  return applyComposite(
    {
      name: "gelu",
      options: { approximate: "tanh" },
      decompose: (z) => {
        const inner = mul(z, add(mul(mul(z, z), GELU_SCALE * GELU_CUBIC), GELU_SCALE));
        return [mul(mul(z, 0.5), add(tanh(inner), 1))];
      },
      // with s = σ(2u), u = √(2/π)(x + 0.044715 x³): y = x s, y' = s + y (1 − s) 2u'
      rule: ([z], [y], [d]) => {
        if (!d) return [null];
        const square = mul(z, z);
        const s = logistic(mul(z, add(mul(square, 2 * GELU_SCALE * GELU_CUBIC), 2 * GELU_SCALE)));
        const slope = add(mul(square, 6 * GELU_SCALE * GELU_CUBIC), 2 * GELU_SCALE);
        return [mul(d, add(s, mul(mul(y, sub(1, s)), slope)))];
      },
    },
    [x],
  )[0];
}

/**
 * Scaled dot-product attention: softmax(q kᵀ / √dim + mask) v.
 * q [batch, queries, heads, dim], k and v [batch, keys, heads, dim], mask additive [batch, heads, queries, keys].
 * Vaswani et al. 2017, arXiv:1706.03762.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask?: Tensor): Tensor {
  const fits =
    q.rank === 4 &&
    k.rank === 4 &&
    String(k.shape) === String(v.shape) &&
    q.shape.every((n, i) => i === 1 || n === k.shape[i]);
  if (!fits)
    throw shapeError(
      "attention",
      [q, k, v],
      "takes q [batch, queries, heads, dim], k and v [batch, keys, heads, dim]",
    );
  const scale = 1 / Math.sqrt(q.shape[3]);
  return applyComposite(
    {
      name: "attention",
      options: { scale },
      decompose: (a, b, c, bias) => {
        const scores = einsum("bqhd,bkhd->bhqk", mul(a, scale), b);
        const weights = softmax(bias ? add(scores, bias) : scores);
        return [einsum("bhqk,bkhd->bqhd", weights, c), weights];
      },
      rule: ([a, b, c], [, weights], [d], needs) => {
        if (!d) return [null, null, null, null].slice(0, needs.length);
        const dWeights = einsum("bqhd,bkhd->bhqk", d, c);
        const dScores = mul(
          weights,
          sub(dWeights, along(reduceSum(mul(dWeights, weights), 3, keep), weights)),
        );
        return [
          needs[0] ? mul(einsum("bhqk,bkhd->bqhd", dScores, b), scale) : null,
          needs[1] ? mul(einsum("bhqk,bqhd->bkhd", dScores, a), scale) : null,
          needs[2] ? einsum("bhqk,bqhd->bkhd", weights, d) : null,
          ...(needs.length > 3 ? [needs[3] ? dScores : null] : []),
        ];
      },
    },
    mask
      ? [q, k, v, broadcastTo(mask, [q.shape[0], q.shape[2], q.shape[1], k.shape[1]])]
      : [q, k, v],
  )[0];
}
