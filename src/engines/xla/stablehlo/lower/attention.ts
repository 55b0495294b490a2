/**
 * @file Attention and its gradient as cuDNN's fused kernels, on CUDA: custom calls that XLA resolves there. Their names,
 * layouts and configuration are those of JAX's `jax.nn.dot_product_attention(implementation="cudnn")`.
 */

import type { CompositeAttrs } from "../../../../graph/ops/composite.ts";
import type { DType } from "../../../../graph/dtype.ts";
import type { Spec } from "../../../../graph/tensor.ts";
import type { Builder, Value } from "../builder.ts";
import type { LoweringContext } from "../lowering.ts";
import { list, quote, typeOf } from "../text.ts";

const TYPES: Partial<Record<DType, string>> = { bfloat16: "BF16", float16: "F16" };
/** Features of a head that its kernels take on every card that has them. */
const MOST_FEATURES = 128;
const FEATURES_DIVISOR = 8;

/** [batch, heads, tokens, features] in memory as [batch, tokens, heads, features]. */
const HEADS_BETWEEN = [3, 1, 2, 0];
const WORKSPACE: Spec = { shape: [0], dtype: "uint8" };

/** What the forward kernel keeps for the backward one, by the name of the probabilities that stand for it. */
const statistics = new WeakMap<Builder, Map<string, Value>>();

function statisticsOf(b: Builder): Map<string, Value> {
  const known = statistics.get(b) ?? new Map<string, Value>();
  statistics.set(b, known);
  return known;
}

/** Outputs by cuDNN's kernel, or undefined where it is not for this composite, platform, type or shape. */
export function fusedAttention(
  context: LoweringContext<CompositeAttrs>,
): readonly Value[] | undefined {
  const { b, attrs } = context;
  if (attrs.name !== "attention" && attrs.name !== "attentionGradient") return undefined;
  if (b.target.platform !== "cuda") return undefined;
  const why = attrs.name === "attention" ? unfit(context) : unfitGradient(context);
  const [q, k] = context.inputs;
  const shape = `${typeOf(q)}, ${k.shape[1]} keys`;
  b.notes.add(`${attrs.name} ${shape}: ${why ? `decomposed, ${why}` : "cuDNN"}`);
  if (why) return undefined;
  return attrs.name === "attention" ? forward(context) : backward(context);
}

/** Why a forward pass cannot be cuDNN's. */
function unfit({ b, inputs: [q, , , mask] }: LoweringContext<CompositeAttrs>): string | undefined {
  const features = q.shape[3];
  if (!TYPES[q.dtype]) return `cuDNN takes bfloat16 and float16`;
  if (features > MOST_FEATURES || features % FEATURES_DIVISOR !== 0) {
    return `heads of ${features} features are no multiple of ${FEATURES_DIVISOR} up to ${MOST_FEATURES}`;
  }
  if (mask) return "it has a mask";
  return b.mesh && "a custom call cannot be split over a mesh";
}

function unfitGradient({
  b,
  inputs: [, , , , weights],
  attrs: { options },
}: LoweringContext<CompositeAttrs>): string | undefined {
  if (String(options.needs).length > 3) return "it has a mask";
  return statisticsOf(b).has(weights.name)
    ? undefined
    : "its forward pass is decomposed or stands outside of this loop";
}

function forward({
  b,
  inputs,
  outputs: [result, weights],
  attrs,
  inline,
}: LoweringContext<CompositeAttrs>): readonly Value[] {
  const [q] = inputs;
  const { batch, heads, queries } = extents(inputs);
  const [mixed, statistic] = call(b, "__cudnn$fmhaSoftmax", inputs, attrs, [
    { shape: headsFirst(result), dtype: q.dtype },
    { shape: [batch, heads, queries], dtype: "float32" },
  ]);
  // whoever reads the probabilities themselves gets them; the compiler drops them where nobody does
  const probabilities = weights && inline(attrs.program, inputs)[1];
  if (probabilities) statisticsOf(b).set(probabilities.name, statistic);
  const answer = b.transpose(mixed, [0, 2, 1, 3]);
  return probabilities ? [answer, probabilities] : [answer];
}

function backward({ b, inputs, attrs }: LoweringContext<CompositeAttrs>): readonly Value[] {
  const [q, k, v, result, weights, d] = inputs;
  const statistic = statisticsOf(b).get(weights.name)!;
  const operands = [q, k, v, statistic, d, result];
  const grads = call(
    b,
    "__cudnn$fmhaSoftmaxBackward",
    operands,
    attrs,
    [q, k, v].map((x) => ({ shape: headsFirst(x), dtype: x.dtype })),
  );
  const needs = String(attrs.options.needs);
  return grads.filter((_, i) => needs[i] === "1").map((x) => b.transpose(x, [0, 2, 1, 3]));
}

const headsFirst = ({ shape: [batch, tokens, heads, features] }: Spec): number[] => [
  batch,
  heads,
  tokens,
  features,
];

const extents = ([q, k]: readonly Value[]) => {
  const [batch, queries, heads] = q.shape;
  return { batch, queries, heads, keys: k.shape[1] };
};

/** The call of a kernel; its results without the workspace. */
function call(
  b: Builder,
  target: string,
  operands: readonly Value[],
  attrs: CompositeAttrs,
  results: readonly Spec[],
): Value[] {
  const outputs = [...results, WORKSPACE];
  const layoutOf = ({ shape }: Spec) => shape.map((_, i) => shape.length - 1 - i);
  const made = b.op("stablehlo.custom_call", operands, outputs, {
    call_target_name: quote(target),
    api_version: "2 : i32",
    backend_config: quote(configuration(operands, attrs)),
    operand_layouts: layouts(operands.map(layoutOf)),
    result_layouts: layouts(
      outputs.map((x) => (x.shape.length === 4 ? HEADS_BETWEEN : layoutOf(x))),
    ),
  });
  return made.slice(0, results.length);
}

const layouts = (orders: readonly (readonly number[])[]): string =>
  list(orders.map((order) => `dense<${list(order)}> : tensor<${order.length}xindex>`));

/** Of a product: contracted and batch axes, left and right. */
const product = (
  [lhs, rhs]: readonly [number, number],
  lhsBatch: readonly number[],
  rhsBatch: readonly number[],
) => ({
  lhs_contracting_dimensions: [String(lhs)],
  rhs_contracting_dimensions: [String(rhs)],
  lhs_batch_dimensions: lhsBatch.map(String),
  rhs_batch_dimensions: rhsBatch.map(String),
});

const TOKENS = [0, 2]; // batch and heads of [batch, tokens, heads, features]
const SCORES = [0, 1]; // and of [batch, heads, queries, keys]

/** The products inside, as the compiler wants them named. */
const PRODUCTS = {
  attention: {
    bmm1_dot_dimension_numbers: product([3, 3], TOKENS, TOKENS),
    bmm2_dot_dimension_numbers: product([3, 1], SCORES, TOKENS),
  },
  attentionGradient: {
    bmm1_grad_gemm1_dot_dimension_numbers: product([2, 1], SCORES, TOKENS),
    bmm1_grad_gemm2_dot_dimension_numbers: product([3, 1], SCORES, TOKENS),
    bmm2_grad_gemm1_dot_dimension_numbers: product([2, 1], SCORES, TOKENS),
    bmm2_grad_gemm2_dot_dimension_numbers: product([3, 3], TOKENS, TOKENS),
  },
};

function configuration(operands: readonly Value[], { name, options }: CompositeAttrs): string {
  const { batch, heads, queries, keys } = extents(operands);
  return JSON.stringify({
    operation_queue_id: "0",
    cudnn_fmha_backend_config: {
      algorithm: {
        algo_id: "0",
        math_type: "TENSOR_OP_MATH",
        tuning_knobs: { 17: "1", 24: "0" },
        is_cudnn_frontend: true,
        workspace_size: "0",
      },
      fmha_scale: options.scale,
      intermediate_tensor_shape: {
        element_type: TYPES[operands[0].dtype],
        dimensions: [batch, heads, queries, keys].map(String),
        tuple_shapes: [],
        layout: {
          dim_level_types: [],
          dim_unique: [],
          dim_ordered: [],
          minor_to_major: ["3", "2", "1", "0"],
          tiles: [],
          element_size_in_bits: "0",
          memory_space: "0",
          index_primitive_type: "PRIMITIVE_TYPE_INVALID",
          pointer_primitive_type: "PRIMITIVE_TYPE_INVALID",
          dynamic_shape_metadata_prefix_bytes: "0",
        },
        is_dynamic_dimension: [false, false, false, false],
      },
      is_flash_attention: true,
      mask_type: "NO_MASK",
      ...PRODUCTS[name as keyof typeof PRODUCTS],
      dropout_rate: 0,
      seed: 42,
      sliding_window_length: 0,
      max_seg_per_batch: 1,
      is_paged_attention: false,
    },
  });
}
