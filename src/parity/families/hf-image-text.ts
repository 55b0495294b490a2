/** @file Cases of transformers' SigLIP, SigLIP 2 and CLIP: `model/` holds the files as the library saved them. */

import type { Engine } from "../../engines/engine.ts";
import { OcelliError } from "../../errors.ts";
import { readSafetensors } from "../../formats/safetensors.ts";
import {
  type HostArray,
  type Tensor,
  fromNumbers,
  mean,
  reshape,
  toNumbers,
  transpose,
} from "../../graph/index.ts";
import { bidirectionalContrastive, sigmoidContrastive } from "../../losses/index.ts";
import { createFieldModel } from "../../models/index.ts";
import { modelSpecs } from "../../nn/index.ts";
import { describeTowers, fitWeights, unfitWeights } from "../../weights/index.ts";
import { type Arrays, type Case, fileOf, jsonFile } from "../case.ts";
import type { Computed } from "../compare.ts";
import type { Family } from "../family.ts";
import { computeFields } from "../fields-model.ts";
import { computeProcessors } from "./hf-processors.ts";
import { computeTokenizer } from "./hf-tokenizers.ts";

/** [batch, channels, height, width] as [batch, height, width, channels]. */
function channelsLast(array: HostArray): HostArray {
  const [batch, channels, height, width] = array.shape;
  const values = toNumbers(array);
  const cells = height * width;
  const moved = values.map((_, at) => {
    const [image, cell, channel] = [
      Math.floor(at / (channels * cells)),
      Math.floor(at / channels) % cells,
      at % channels,
    ];
    return values[(image * channels + channel) * cells + cell];
  });
  return fromNumbers(moved, [batch, height, width, channels], "float32");
}

/** The places of patches that lie row by row, of pictures of some rows and columns; 0 for padding. */
function placesOf(shapes: HostArray, [batch, patches]: readonly number[]) {
  const sides = toNumbers(shapes);
  const make = (at: (patch: number, columns: number) => number): HostArray => {
    const values = Array.from({ length: batch * patches }, (_, i) => {
      const [image, patch] = [Math.floor(i / patches), i % patches];
      const [rows, columns] = [sides[2 * image], sides[2 * image + 1]];
      return patch < rows * columns ? at(patch, columns) : 0;
    });
    return fromNumbers(values, [batch, patches], "int32");
  };
  return {
    yidx: make((patch, columns) => Math.floor(patch / columns)),
    xidx: make((patch, columns) => patch % columns),
  };
}

/** The library's inputs as fields. */
function fieldsOfCase(inputs: Arrays): Record<string, HostArray> {
  const { input_ids: text, attention_mask: textMask, pixel_values: pixels } = inputs;
  const { pixel_attention_mask: type, spatial_shapes: shapes } = inputs;
  return {
    ...(text ? { text } : {}),
    ...(textMask ? { textMask } : {}),
    ...(type
      ? { image: pixels, type, ...placesOf(shapes, type.shape) }
      : pixels && { image: channelsLast(pixels) }),
  };
}

/** Rows of padding as they were recorded: they mean nothing. */
function withoutPadding(
  got: HostArray | undefined,
  want: HostArray | undefined,
  type: HostArray,
): Arrays {
  if (!got || !want) return {};
  const width = want.shape[2];
  const [computed, recorded, kept] = [toNumbers(got), toNumbers(want), toNumbers(type)];
  const values = computed.map((value, i) =>
    kept[Math.floor(i / width)] === 1 ? value : recorded[i],
  );
  return { "vision/last_hidden_state": fromNumbers(values, want.shape, "float32") };
}

type Tensors = Readonly<Record<string, Tensor>>;

/** The library's outputs of what two towers give. */
function outputsOf(isClip: boolean, width: number | undefined) {
  return (out: Tensors): Readonly<Record<string, Tensor | undefined>> => {
    const { zimg, ztxt, logits, t, b } = out;
    const pooled = [out["img/logits"], out["img/pre_logits"]].filter((x) => x !== undefined);
    const losses = (): Tensor =>
      isClip
        ? mean(bidirectionalContrastive(zimg, ztxt, reshape(t, [])).loss)
        : mean(sigmoidContrastive(zimg, ztxt, t, { bias: b }));
    return {
      logits_per_image: logits,
      logits_per_text: logits && transpose(logits),
      image_embeds: zimg,
      text_embeds: ztxt,
      loss: logits && losses(),
      "text/last_hidden_state": out["txt/transformed"],
      "text/pooler_output": out["txt/logits"] ?? out["txt/pre_logits"],
      "vision/last_hidden_state": isClip ? out["img/encoder/pre_ln"] : out["img/encoded"],
      "vision/pooler_output": pooled.find(({ shape }) => shape[1] === width) ?? pooled[0],
    };
  };
}

async function computeTowers(given: Case, engine: Engine, name: string): Promise<Computed> {
  const described = describeTowers(jsonFile(given, "model/config.json"));
  if (!described) {
    throw new OcelliError("unsupported", `model/config.json describes no ${name} that is known.`);
  }
  const { name: family, ...options } = described.model;
  const model = createFieldModel(family, options);
  const fields = fieldsOfCase(given.inputs);
  const specs = modelSpecs(model, fields);
  const { tensors } = readSafetensors(fileOf(given, "model/model.safetensors"));
  const { params } = fitWeights("model.safetensors", tensors, specs);
  const isClip = name === "CLIP";
  const { outputs, grads } = await computeFields({ ...given, params }, engine, {
    model,
    fields,
    derive: outputsOf(isClip, given.outputs["vision/pooler_output"]?.shape[1]),
    losses: { "": "loss" },
  });
  const theirs: Record<string, Arrays> = grads?.[""]
    ? { "": unfitWeights(described.layout, grads[""]) }
    : {};
  const hidden = "vision/last_hidden_state";
  return {
    outputs: {
      ...outputs,
      ...(fields.type ? withoutPadding(outputs[hidden], given.outputs[hidden], fields.type) : {}),
    },
    grads: isClip ? withClassGradient(theirs) : theirs,
  };
}

/** The position of the class token has the gradient of the token, to which it is added. */
function withClassGradient(grads: Readonly<Record<string, Arrays>>) {
  const [cls, positions] = ["class_embedding", "position_embedding.weight"].map(
    (name) => `vision_model.embeddings.${name}`,
  );
  return Object.fromEntries(
    Object.entries(grads).map(([suffix, arrays]) => {
      const values = toNumbers(arrays[positions]);
      toNumbers(arrays[cls]).forEach((value, i) => (values[i] = value));
      const { shape } = arrays[positions];
      return [suffix, { ...arrays, [positions]: fromNumbers(values, shape, "float32") }];
    }),
  );
}

const familyOf = (name: string, title: string, model: RegExp): Family => ({
  name,
  model,
  async compute(given: Case, engine: Engine): Promise<Computed> {
    const towers = await computeTowers(given, engine, title);
    const processors = await computeProcessors(given, engine);
    return {
      ...towers,
      ...processors,
      outputs: { ...towers.outputs, ...computeTokenizer(given), ...processors.outputs },
    };
  },
});

export const hfSiglip = familyOf("hf_siglip", "SigLIP", /transformers SiglipModel/);
export const hfSiglip2 = familyOf("hf_siglip2", "SigLIP 2", /transformers Siglip2Model/);
export const hfClip = familyOf("hf_clip", "CLIP", /transformers CLIPModel/);
