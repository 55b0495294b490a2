/** @file Cases of transformers' vision transformers: ViT, DeiT, BEiT and DINOv2 (with registers). */

import type { Engine } from "../../engines/engine.ts";
import {
  type HostArray,
  type Tensor,
  add,
  broadcastTo,
  matmul,
  mul,
  reduceSum,
  transpose,
  valueAndGrad,
} from "../../graph/index.ts";
import type { ImageCall } from "../../models/index.ts";
import { apply } from "../../nn/index.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { seededRandom } from "../../random.ts";
import { type Tree, fromFlat, toFlat } from "../../tree.ts";
import { type Arrays, type Case, inputOf, under } from "../case.ts";
import type { Computed } from "../compare.ts";
import { compileNamed } from "../compute.ts";
import type { Family } from "../family.ts";
import { type LoadedModel, firstChannels, loadModel } from "../loaded-model.ts";

type Named = Readonly<Record<string, Tensor>>;

/** What transformers calls the intermediates of one of our vision transformers. */
function namedOutputs(out: Named, output: Tensor, { described }: LoadedModel): Named {
  const depth = Number(described.model.depth);
  const block = (i: number): Tensor => out[`encoder/block${String(i).padStart(2, "0")}/+mlp`];
  const states = Object.fromEntries(
    Array.from({ length: depth }, (_, i) => [`hidden_states/${i + 1}`, block(i)] as const),
  );
  return {
    logits: output,
    ...out,
    ...states,
    "hidden_states/0": out["embedded"],
    last_hidden_state: out["encoded"],
    pooler_output: out["pre_logits"],
  };
}

/** Outputs of one call, the loss "mean over the batch of sum(logits * loss_weights)", and gradients of the file's arrays. */
async function computeCall(given: Case, loaded: LoadedModel, engine: Engine): Promise<Computed> {
  const { inputs, grads } = given;
  const { model, params, tensors, image } = loaded;
  const wantsGrads = Object.keys(grads).length > 0;
  const extra: Record<string, HostArray> = {};
  for (const name of ["loss_weights", "bool_masked_pos"] as const) {
    if (Object.hasOwn(inputs, name)) extra[name] = inputs[name];
  }
  const lmHead = lmHeadOf(tensors);
  const run = compileNamed(engine, (flat, taken) => {
    const loss = (moved: Tree<Tensor>): readonly [Tensor, Named] => {
      const call: ImageCall = taken.bool_masked_pos ? { hidden: taken.bool_masked_pos } : {};
      const [output, tree] = apply(model, { params: moved }, taken.image, call).result;
      const named = namedOutputs(toFlat<Tensor>(tree), output, loaded);
      const results = taken["lm_head.weight"]
        ? { ...named, logits: tokenLogits(named["tokens"], taken) }
        : named;
      if (!taken.loss_weights) return [reduceSum(results.logits), results];
      const total = reduceSum(mul(results.logits, taken.loss_weights));
      const value = mul(total, 1 / output.shape[0]);
      return [value, { ...results, loss: value }];
    };
    const tree = fromFlat<Tensor>(flat);
    if (!wantsGrads) return prefixed("out/", loss(tree)[1]);
    const { aux, grads: d } = valueAndGrad(loss)(tree);
    return { ...prefixed("out/", aux), ...prefixed("grads/", toFlat<Tensor>(d)) };
  });
  const results = await run(params, { image, ...extra, ...lmHead });
  return {
    outputs: under(results, "out/"),
    ...(wantsGrads && { grads: { "": loaded.gradientsOf(under(results, "grads/")) } }),
  };
}

/** The head for visual tokens of BEiT's masked image modelling, where the file has it. */
const lmHeadOf = (tensors: Arrays): Arrays =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => name.startsWith("lm_head.")));

const tokenLogits = (tokens: Tensor, taken: Named): Tensor => {
  const product = matmul(tokens, transpose(taken["lm_head.weight"], [1, 0]));
  return add(product, broadcastTo(taken["lm_head.bias"], product.shape));
};

const prefixed = (prefix: string, named: Named) =>
  Object.fromEntries(Object.entries(named).map(([name, tensor]) => [prefix + name, tensor]));

const PIXELS = /^processor_(torchvision|pil)\/pixel_values$/;

/** What the image processor's settings make of an image. */
async function processImage(
  given: Case,
  { described }: LoadedModel,
  engine: Engine,
): Promise<Arrays> {
  const names = Object.keys(given.outputs).filter((name) => PIXELS.test(name));
  if (names.length === 0 || described.preprocessing === undefined) return {};
  const { onHost, onDevice } = parsePreprocessing(
    described.preprocessing.replace(/^decode\([^)]*\)\|/, ""),
  );
  const { image } = onHost({ image: inputOf(given.inputs, "raw_image") }, seededRandom("parity"));
  const run = compileNamed(engine, (batch) => ({ result: onDevice(batch).image }));
  const { result } = await run({ image: { ...image, shape: [1, ...image.shape] } });
  return Object.fromEntries(names.map((name) => [name, firstChannels(result)]));
}

/** Images are resized as by Pillow; torchvision's own resize of uint8 pixels may differ by one of 255. */
const pixelAllowance = (loaded: LoadedModel) => {
  const text = loaded.described.preprocessing ?? "";
  const deviations = /vgg_value_range\(\[[^\]]*\],\[([^\]]*)\]/.exec(text)?.[1].split(",");
  const smallest = deviations ? Math.min(...deviations.map(Number)) : 127.5;
  return (name: string) =>
    name.startsWith("processor_torchvision/") ? { rtol: 0, atol: 1.001 / smallest } : undefined;
};

/** A family of transformers' vision transformers. */
const visionFamily = (name: string, model: RegExp): Family => ({
  name,
  model,
  async compute(given, engine) {
    const loaded = loadModel(given);
    const computed = await computeCall(given, loaded, engine);
    const pixels = await processImage(given, loaded, engine);
    return {
      ...computed,
      outputs: { ...computed.outputs, ...pixels },
      allowance: pixelAllowance(loaded),
    };
  },
});

export const hfVit = visionFamily("hf_vit", /transformers ViT(Model|For)/);
export const hfDeit = visionFamily("hf_deit", /transformers DeiT/);
export const hfBeit = visionFamily("hf_beit", /transformers Beit/);
export const hfDinov2 = visionFamily("hf_dinov2", /transformers Dinov2/);
