/** @file Cases of contrastive losses over a batch that is split into shards. */

import {
  type Tensor,
  arange,
  convert,
  equal,
  mean,
  mul,
  oneHot,
  reduceSum,
  reshape,
  sliceAxis,
  stack,
  valueAndGrad,
  zeros,
} from "../../graph/index.ts";
import {
  bidirectionalContrastive,
  maskedMean,
  sigmoidContrastive,
  sigmoidXent,
} from "../../losses/index.ts";
import { pairLogits } from "../../models/index.ts";
import { inputOf, numberAt, objectAt, under } from "../case.ts";
import { compileNamed } from "../compute.ts";
import type { Family } from "../family.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** Loss and gradients, whole and in chunks, under the names they are recorded by. */
function evaluate(
  name: string,
  moved: Tensors,
  loss: (given: Tensors, chunk?: number) => Tensor,
  chunk: number,
): readonly (readonly [string, Tensor])[] {
  const whole = valueAndGrad((given: Tensors) => loss(given))(moved);
  const sharded = valueAndGrad((given: Tensors) => loss(given, chunk))(moved);
  const named = (prefix: string, tensors: Tensors) =>
    Object.entries(tensors).map(([key, tensor]) => [`${prefix}${key}`, tensor] as const);
  return [
    [`out/${name}/loss`, whole.value],
    [`out/${name}/sharded_loss`, sharded.value],
    ...named(`out/${name}/sharded_grad/`, sharded.grads),
    ...named(`grads_${name}/`, whole.grads),
  ];
}

/** The part of the sigmoid loss that image shard i has with text shard j, [shards, shards]. */
function chunkLosses({ zimg, ztxt, t, b }: Tensors, shards: number): Tensor {
  const [batch] = zimg.shape;
  const size = batch / shards;
  const part = (x: Tensor, i: number): Tensor => sliceAxis(x, 0, i * size, (i + 1) * size);
  const parts = Array.from({ length: shards * shards }, (_, at) => {
    const [i, j] = [Math.floor(at / shards), at % shards];
    const labels = i === j ? oneHot(arange(size), size) : zeros([size, size]);
    const scores = pairLogits(part(zimg, i), part(ztxt, j), t, b);
    return mul(reduceSum(sigmoidXent(scores, labels)), 1 / batch);
  });
  return reshape(stack(parts), [shards, shards]);
}

export const contrastive: Family = {
  name: "contrastive",
  model: /trainers\/proj\/image_text\/siglip/,
  async compute({ description, inputs, outputs }, engine) {
    const shards = numberAt(objectAt(description, "constructor"), "shards") ?? 1;
    const names = new Set(Object.keys(outputs).map((name) => name.split("/")[0]));
    const run = compileNamed(engine, (given) => {
      const [zimg, ztxt, t] = ["zimg", "ztxt", "t"].map((name) => inputOf(given, name));
      const { b, mask: recorded } = given;
      const mask = recorded && equal(convert(recorded, "int32"), 1);
      const chunk = Math.ceil(zimg.shape[0] / shards);
      const results: (readonly [string, Tensor])[] = [];
      if (names.has("sigmoid")) {
        const loss = (z: Tensors, size?: number): Tensor =>
          mean(sigmoidContrastive(z.zimg, z.ztxt, z.t, { bias: z.b, chunk: size })); // of all: it has no mask there
        results.push(...evaluate("sigmoid", { zimg, ztxt, t, b }, loss, chunk));
        results.push(["out/sigmoid/chunk_loss", chunkLosses({ zimg, ztxt, t, b }, shards)]);
      }
      if (names.has("softmax")) {
        const both = (z: Tensors, size?: number) =>
          bidirectionalContrastive(z.zimg, z.ztxt, z.t, mask, size);
        const loss = (z: Tensors, size?: number): Tensor => maskedMean(both(z, size).loss, mask);
        results.push(...evaluate("softmax", { zimg, ztxt, t }, loss, chunk));
        const { correct } = both({ zimg, ztxt, t });
        results.push(["out/softmax/ncorrect", maskedMean(correct, mask)]);
      }
      return Object.fromEntries(results);
    });
    const results = await run(inputs);
    return {
      outputs: under(results, "out/"),
      grads: {
        _sigmoid: under(results, "grads_sigmoid/"),
        _softmax: under(results, "grads_softmax/"),
      },
    };
  },
};
