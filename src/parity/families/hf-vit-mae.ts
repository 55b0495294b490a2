/** @file Cases of transformers' masked autoencoder: the mask that noise makes, predicted patches, loss and gradients. */

import {
  type HostArray,
  type Tensor,
  mean,
  reshape,
  valueAndGrad,
  zeros,
} from "../../graph/index.ts";
import { hiddenPatches, standardisedPatches } from "../../losses/self-supervised/index.ts";
import { type ImageModel, maskByNoise, maskedDecoder } from "../../models/index.ts";
import { type Scope, apply, patches } from "../../nn/index.ts";
import { type Tree, fromFlat, toFlat } from "../../tree.ts";
import { type JsonObject, inputOf, under } from "../case.ts";
import { compileNamed } from "../compute.ts";
import type { Family } from "../family.ts";
import { configured, loadModel } from "../loaded-model.ts";

/** The encoder of what noise leaves, and its decoder where the file has one. */
const pretraining =
  (model: ImageModel, config: JsonObject, decodes: boolean) =>
  (scope: Scope, image: Tensor, noise: Tensor): Readonly<Record<string, Tensor>> => {
    const size = configured(config, "patch_size", 16);
    const grid = [Math.floor(image.shape[1] / size), Math.floor(image.shape[2] / size)] as const;
    const seen = maskByNoise(noise, configured(config, "mask_ratio", 0.75));
    const [, out] = model(scope, image, { kept: seen.kept });
    const last = toFlat<Tensor>(out)["seen"];
    const named = {
      mask: seen.mask,
      ids_restore: seen.restore,
      "encoder/last": last,
      last_hidden_state: last,
    };
    if (!decodes) return { ...named, loss: mean(last) };
    const logits = maskedDecoder(
      scope.at("decoder"),
      last,
      seen,
      grid,
      size * size * image.shape[3],
      {
        width: configured(config, "decoder_hidden_size", 512),
        depth: configured(config, "decoder_num_hidden_layers", 8),
        numHeads: configured(config, "decoder_num_attention_heads", 16),
        mlpDim: configured(config, "decoder_intermediate_size", 2048),
        epsilon: configured(config, "layer_norm_eps", 1e-12),
        posemb: "learn",
      },
    );
    const pixels = reshape(patches(image, [size, size]), logits.shape);
    const aim = configured(config, "norm_pix_loss", false) ? standardisedPatches(pixels) : pixels;
    return { ...named, logits, loss: hiddenPatches(logits, aim, seen.mask) };
  };

export const hfVitMae: Family = {
  name: "hf_vit_mae",
  model: /transformers ViTMAE/,
  async compute(given, engine) {
    const noise: HostArray = inputOf(given.inputs, "noise");
    const wantsGrads = Object.keys(given.grads).length > 0;
    const decodes = Object.keys(given.outputs).some((name) => name === "logits");
    const loaded = loadModel(
      given,
      (model, config) => (scope, image) =>
        pretraining(model, config, decodes)(scope, image, zeros(noise.shape)),
    );
    const forward = pretraining(loaded.model, loaded.config, decodes);
    const run = compileNamed(engine, (flat, taken) => {
      const loss = (moved: Tree<Tensor>) => {
        const { result } = apply(forward, { params: moved }, taken.image, taken.noise);
        return [result.loss, result] as const;
      };
      const tree = fromFlat<Tensor>(flat);
      const prefixed = (prefix: string, named: Readonly<Record<string, Tensor>>) =>
        Object.fromEntries(Object.entries(named).map(([name, x]) => [prefix + name, x]));
      if (!wantsGrads) return prefixed("out/", loss(tree)[1]);
      const { aux, grads } = valueAndGrad(loss)(tree);
      return { ...prefixed("out/", aux), ...prefixed("grads/", toFlat<Tensor>(grads)) };
    });
    const results = await run(loaded.params, { image: loaded.image, noise });
    return {
      outputs: under(results, "out/"),
      ...(wantsGrads && { grads: { "": loaded.gradientsOf(under(results, "grads/")) } }),
    };
  },
};
