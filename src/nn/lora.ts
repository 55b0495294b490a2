/**
 * @file Low-rank adaptation: dense layers that keep their kernel and learn a change of it, a product of two thin matrices.
 *
 * Paper: Hu et al. 2021, "LoRA", arXiv:2106.09685. A kernel W becomes W + alpha / rank · A·B, with A drawn and B zero, so
 * that a model begins as it was; {@link mergeLora} writes the sum into W.
 */

import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  add,
  convert,
  dotGeneral,
  matmul,
  mul,
  reshape,
  sizeOf,
} from "../graph/index.ts";
import { lecunNormal, zerosInit } from "./initialisers.ts";
import type { Contraction, Scope } from "./scope.ts";

/** Options of {@link withLora}. */
export interface LoraOptions {
  /** The inner extent of the product. */
  readonly rank: number;
  /** The product counts alpha / rank times. Default: once. */
  readonly alpha?: number;
  /** Matches the whole names of the kernels to adapt. Default: every dense layer's but the head's. */
  readonly targets?: string;
}

/** The kernels that are adapted unless others are named: all but the classifier's, which is learned as a whole. */
export const LORA_TARGETS = "(?!head/).*";

/** The names of the two matrices beside a kernel. */
const [DOWN, UP] = ["lora_a", "lora_b"];

/** Whether a parameter is one of an adapter, by its name. */
export const isAdapter = (name: string): boolean => /(^|\/)lora_[ab]$/.test(name);

/** Which dense layers are adapted, and how much the adapters count. */
interface LoraRule {
  readonly rank: number;
  readonly scale: number;
  /** Whether a kernel is adapted; asked once for every dense layer. */
  matches(kernel: string): boolean;
}

const scaleOf = ({ rank, alpha = rank }: LoraOptions): number => alpha / rank;

function compileTargets(targets: string): RegExp {
  try {
    return new RegExp(`^(?:${targets})$`);
  } catch (cause) {
    throw new OcelliError("config", `lora.targets: "${targets}" is not a regular expression.`, {
      cause,
    });
  }
}

/**
 * A model whose dense layers are adapted. Beside the kernel of each, `lora_a` [inputs, rank] and `lora_b` [rank, outputs]
 * are its parameters; a scanned stack goes by the stack's name.
 *
 * @throws a configuration error that lists the dense layers where none matches
 */
export function withLora<Args extends readonly unknown[], R>(
  model: (scope: Scope, ...args: Args) => R,
  options: LoraOptions,
): (scope: Scope, ...args: Args) => R {
  const { rank, targets = LORA_TARGETS } = options;
  const pattern = compileTargets(targets);
  return (scope, ...args) => {
    const seen = new Set<string>();
    const rule: LoraRule = {
      rank,
      scale: scaleOf(options),
      matches: (kernel) => {
        seen.add(kernel);
        return pattern.test(kernel);
      },
    };
    const result = model(adapting(scope, rule), ...args);
    if (![...seen].some((kernel) => pattern.test(kernel))) throw noMatch(targets, [...seen]);
    return result;
  };
}

function noMatch(targets: string, kernels: readonly string[]): OcelliError {
  if (targets === LORA_TARGETS) {
    return new OcelliError(
      "config",
      "the model has no dense layer beside its classifier that adapters could adapt.",
      { valid: kernels, hint: "Train all of it, or take a vit." },
    );
  }
  const some = kernels.slice(0, 6).join(", ") + (kernels.length > 6 ? ", …" : "");
  return new OcelliError(
    "config",
    `the model has no dense layer to adapt that matches ${targets}.`,
    {
      given: targets,
      valid: kernels,
      hint: kernels.length === 0 ? "It has no dense layer at all." : `Its dense layers: ${some}.`,
    },
  );
}

/** A scope whose dense layers, and those of its parts, follow a rule. */
const adapting = (scope: Scope, lora: LoraRule): Scope => ({
  ...scope,
  addend: (inner, x, contraction) => adapterOf(lora, inner, x, contraction),
  at: (name, index) => adapting(scope.at(name, index), lora),
  scan: (name, depth, body, x, own) =>
    scope.scan(name, depth, (inner, ...given) => body(adapting(inner, lora), ...given), x, own),
});

/** What an adapter adds to a dense layer's product of x [..., inputs…], [..., outputs…]; undefined where it has none. */
function adapterOf(
  { rank, scale, matches }: LoraRule,
  { path, param }: Scope,
  x: Tensor,
  { inputs, outputs, dtype }: Contraction,
): Tensor | undefined {
  if (!matches(path === "" ? "kernel" : `${path}/kernel`)) return undefined;
  const down = reshape(param(DOWN, lecunNormal, [sizeOf(inputs), rank]), [...inputs, rank]);
  const up = reshape(param(UP, zerosInit, [rank, sizeOf(outputs)]), [rank, ...outputs]);
  const lead = x.rank - inputs.length;
  const thin = dotGeneral(convert(x, dtype), convert(down, dtype), {
    lhsContract: inputs.map((_, i) => lead + i),
    rhsContract: inputs.map((_, i) => i),
  }); // [..., rank]
  const wide = dotGeneral(thin, convert(up, dtype), { lhsContract: [lead], rhsContract: [0] });
  return mul(wide, scale);
}

/**
 * Parameters by full name with every adapter written into its kernel: those of the plain model, which computes the same.
 *
 * @param params of a model with adapters; stacked layers lie along a leading axis
 */
export function mergeLora(
  params: Readonly<Record<string, Tensor>>,
  options: LoraOptions,
): Record<string, Tensor> {
  const merged = Object.entries(params).flatMap(([name, value]) => {
    if (isAdapter(name)) return [];
    const beside = name.replace(/kernel$/, "");
    const isKernel = /(^|\/)kernel$/.test(name) && Object.hasOwn(params, `${beside}${DOWN}`);
    if (!isKernel) return [[name, value] as const];
    const change = matmul(params[`${beside}${DOWN}`], params[`${beside}${UP}`]); // [(layers,) inputs, outputs]
    return [[name, add(value, reshape(mul(change, scaleOf(options)), value.shape))] as const];
  });
  return Object.fromEntries(merged);
}
