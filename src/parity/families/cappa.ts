/** @file Cases of CapPa: `constructor` holds big_vision's arguments. */

import { convert, mean, notEqual } from "../../graph/index.ts";
import { weightedSoftmaxXent } from "../../losses/index.ts";
import { createFieldModel } from "../../models/index.ts";
import { fromNumbers, toNumbers } from "../../graph/index.ts";
import {
  type Arrays,
  type Case,
  type Json,
  type JsonObject,
  camelKeys,
  objectAt,
} from "../case.ts";
import type { Family } from "../family.ts";
import { computeFields, fieldsOf } from "../fields-model.ts";
import { withPolicy, withoutNull } from "../image-model.ts";

/** big_vision's arguments by ours, of the encoder and of the decoder. */
const ENCODER: Readonly<Record<string, string>> = {
  numHeads: "numHeads",
  numLayers: "depth",
  mlpDim: "mlpDim",
  embDim: "width",
  encDropoutRate: "dropout",
  patches: "patchSize",
  posembType: "posemb",
};
const DECODER: Readonly<Record<string, string>> = {
  decoderNumHeads: "numHeads",
  decoderNumLayers: "depth",
  decoderMlpDim: "mlpDim",
  decoderEmbDim: "width",
  decDropoutRate: "dropout",
  decoderBias: "bias",
};
/** What big_vision's constructor has without being told, where ours differs. */
const DEFAULTS = { numHeads: 8, numLayers: 6, mlpDim: 2048, embDim: 512, seqLen: 256 };
/** Arguments that big_vision's model takes and does not use. */
const UNUSED = ["inputSeqLen", "patchDropout"];

/** The options of a case's model. */
function cappaOptions(description: JsonObject): Record<string, unknown> {
  const given = withPolicy(withoutNull(camelKeys(objectAt(description, "constructor"))));
  const settled: Record<string, Json> = { ...DEFAULTS, ...given };
  const { scan, rematPolicy, ...all } = settled as Record<string, Json | undefined>;
  const encoder: Record<string, Json> = {};
  const decoder: Record<string, Json> = {};
  const rest: Record<string, Json> = {};
  for (const [name, value] of Object.entries(withoutNull(all))) {
    if (Object.hasOwn(ENCODER, name)) encoder[ENCODER[name]] = value;
    else if (Object.hasOwn(DECODER, name)) {
      if (value !== 0 || name === "decDropoutRate") decoder[DECODER[name]] = value; // 0: as the encoder
    } else if (!UNUSED.includes(name)) rest[name] = value;
  }
  const stack = withoutNull({ scan, rematPolicy });
  return {
    ...rest,
    maskingRatio: rest.maskingRatio ?? 0,
    encoder: { ...encoder, ...stack },
    decoder: { ...decoder, ...stack },
  };
}

/** big_vision stacks the decoder's layers along the second axis; the first there is the second here. */
const STACKED = /^decoder\/EncDecBlock\//;

function swapLayers(arrays: Arrays): Arrays {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => {
      if (!STACKED.test(name)) return [name, array];
      const [a, b, ...rest] = array.shape;
      const cell = rest.reduce((product, extent) => product * extent, 1);
      const values = toNumbers(array);
      const swapped = Array.from({ length: values.length }, (_, at) => {
        const k = at % cell;
        const [j, i] = [Math.floor(at / cell / a), Math.floor(at / cell) % a];
        return values[(i * b + j) * cell + k];
      });
      return [name, fromNumbers(swapped, [b, a, ...rest], array.dtype)];
    }),
  );
}

export const cappa: Family = {
  name: "cappa",
  model: /proj\/cappa\/cappa$/,
  async compute(given: Case, engine) {
    const params = swapLayers(given.params);
    const computed = await computeFields({ ...given, params }, engine, {
      model: createFieldModel("cappa", cappaOptions(given.description)),
      fields: fieldsOf(given.inputs, { image: "image", text: "text" }),
      derive({ output }, _beside, { text }) {
        if (!text) return {};
        const weights = convert(notEqual(text, 0), "float32");
        return { loss: mean(weightedSoftmaxXent(output, text, { weights })) };
      },
      losses: { "": "loss" },
    });
    const grads = Object.entries(computed.grads ?? {});
    return {
      ...computed,
      grads: Object.fromEntries(grads.map(([suffix, d]) => [suffix, swapLayers(d)])),
    };
  },
};
