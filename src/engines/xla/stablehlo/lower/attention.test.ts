/** @file The custom calls that stand for attention on CUDA: what JAX 0.10.2 writes for the same shapes; else none. */

import { describe, expect, it } from "vitest";
import {
  type DType,
  type Tensor,
  attention,
  mul,
  reduceSum,
  scan,
  trace,
  valueAndGrad,
} from "../../../../graph/index.ts";
import { simplify } from "../../../../graph/simplify.ts";
import { targetOf } from "../../target.ts";
import { lowerProgram } from "../module.ts";

const spec = (dtype: DType, ...shape: number[]) => ({ shape, dtype });

interface Shape {
  readonly dtype?: DType;
  readonly features?: number;
  readonly platform?: string;
  readonly masked?: boolean;
  readonly mesh?: boolean;
}

/** The module of attention's value and gradients. */
function lower({ dtype = "bfloat16", features = 64, platform = "cuda", masked, mesh }: Shape = {}) {
  const q = spec(dtype, 2, 4, 3, features);
  const kv = spec(dtype, 2, 6, 3, features);
  const bias = spec(dtype, 2, 3, 4, 6);
  const loss = (xs: readonly Tensor[], w: Tensor) =>
    reduceSum(mul(attention(xs[0], xs[1], xs[2], xs[3]), w));
  const { program } = trace(
    (w: Tensor, ...xs: Tensor[]) => valueAndGrad((moved: Tensor[]) => loss(moved, w))(xs).grads,
    q,
    ...[q, kv, kv, ...(masked ? [bias] : [])],
  );
  const everywhere = (list: readonly Tensor[]) => list.map((x) => x.shape.map(() => []));
  const placements = mesh
    ? {
        mesh: { data: 2 },
        inputs: everywhere(program.inputs),
        outputs: everywhere(program.outputs),
      }
    : undefined;
  return lowerProgram(simplify(program), targetOf(platform), { placements });
}

/** The custom calls of a module: target, types, configuration. */
function callsOf(text: string) {
  const lines = text.split("\n").filter((line) => line.includes("stablehlo.custom_call"));
  return lines.map((line) => {
    const config = /backend_config = ("(?:[^"\\]|\\.)*")/.exec(line)![1];
    return {
      target: /call_target_name = "([^"]+)"/.exec(line)![1],
      types: /\} : (.*)$/.exec(line)![1].replace(/ loc\(.*/, ""),
      layouts: /result_layouts = (\[.*?\])\}/.exec(line)![1],
      config: (JSON.parse(JSON.parse(config) as string) as Record<string, unknown>)
        .cudnn_fmha_backend_config as Record<string, unknown>,
    };
  });
}

const order = (...axes: number[]) => `dense<[${axes.join(", ")}]> : tensor<${axes.length}xindex>`;
const numbers = (contract: string, lhsBatch: string, rhsBatch: string) => ({
  lhs_contracting_dimensions: [contract[0]],
  rhs_contracting_dimensions: [contract[1]],
  lhs_batch_dimensions: [...lhsBatch],
  rhs_batch_dimensions: [...rhsBatch],
});
const [q, kv, out, outKv] = ["2x4x3x64", "2x6x3x64", "2x3x4x64", "2x3x6x64"].map(
  (extents) => `tensor<${extents}xbf16>`,
);

describe("attention on CUDA", () => {
  it("is cuDNN's kernel forward and backward", () => {
    const { text, notes } = lower();
    const [forward, backward, ...more] = callsOf(text);
    expect(more).toEqual([]);
    expect(forward).toMatchObject({
      target: "__cudnn$fmhaSoftmax",
      types: `(${q}, ${kv}, ${kv}) -> (${out}, tensor<2x3x4xf32>, tensor<0xui8>)`,
      layouts: `[${order(3, 1, 2, 0)}, ${order(2, 1, 0)}, ${order(0)}]`,
      config: {
        fmha_scale: 0.125,
        is_flash_attention: true,
        mask_type: "NO_MASK",
        intermediate_tensor_shape: { element_type: "BF16", dimensions: ["2", "3", "4", "6"] },
        bmm1_dot_dimension_numbers: numbers("33", "02", "02"),
        bmm2_dot_dimension_numbers: numbers("31", "01", "02"),
        max_seg_per_batch: 1,
      },
    });
    expect(backward).toMatchObject({
      target: "__cudnn$fmhaSoftmaxBackward",
      types: `(${q}, ${kv}, ${kv}, tensor<2x3x4xf32>, ${q}, ${q}) -> (${out}, ${outKv}, ${outKv}, tensor<0xui8>)`,
      layouts: `[${Array(3)
        .fill(order(3, 1, 2, 0))
        .join(", ")}, ${order(0)}]`,
      config: {
        bmm1_grad_gemm1_dot_dimension_numbers: numbers("21", "01", "02"),
        bmm1_grad_gemm2_dot_dimension_numbers: numbers("31", "01", "02"),
        bmm2_grad_gemm1_dot_dimension_numbers: numbers("21", "01", "02"),
        bmm2_grad_gemm2_dot_dimension_numbers: numbers("33", "02", "02"),
      },
    });
    expect(notes).toEqual([
      "attention tensor<2x4x3x64xbf16>, 6 keys: cuDNN",
      "attentionGradient tensor<2x4x3x64xbf16>, 6 keys: cuDNN",
    ]);
    expect(text.startsWith(`// ${notes[0]}\n// ${notes[1]}\nmodule @`)).toBe(true);
  });

  it("is one kernel forward and back inside a loop over layers, where both stand there", () => {
    const x = spec("float16", 2, 4, 3, 16);
    const { program } = trace((first: Tensor) => {
      const step = (carry: Tensor[]) => {
        const grads = valueAndGrad((y: Tensor) => reduceSum(attention(y, y, y)))(carry[0]).grads;
        return { carry: [grads], ys: [] };
      };
      return scan(step, [first], [], { length: 3 }).carry;
    }, x);
    const calls = callsOf(lowerProgram(simplify(program), targetOf("cuda")).text);
    expect(calls.map(({ target }) => target)).toEqual([
      "__cudnn$fmhaSoftmax",
      "__cudnn$fmhaSoftmaxBackward",
    ]);
  });

  it.each<[Shape, string]>([
    [{ dtype: "float32" }, "decomposed, cuDNN takes bfloat16 and float16"],
    [{ features: 12 }, "decomposed, heads of 12 features are no multiple of 8 up to 128"],
    [{ features: 136 }, "decomposed, heads of 136 features are no multiple of 8 up to 128"],
    [{ masked: true }, "decomposed, it has a mask"],
    [{ mesh: true }, "decomposed, a custom call cannot be split over a mesh"],
  ])("is decomposed for %o, and says so", (shape, said) => {
    const { text, notes } = lower(shape);
    expect(callsOf(text)).toEqual([]);
    expect(notes[0]).toContain(said);
  });

  it.each(["cpu", "rocm", "tpu"])("is no matter of %s", (platform) => {
    const { text, notes } = lower({ platform });
    expect([callsOf(text), notes]).toEqual([[], []]);
  });
});
