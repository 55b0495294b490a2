/**
 * @file A class for each pixel: any backbone's features, a linear or small convolutional decoder, bilinear upsampling.
 *
 * Linear decoders of the last features are those of Strudel et al. 2021, "Segmenter", arXiv:2105.05633 (its baseline);
 * features of several layers side by side, under a convolution, are the head of Xiao et al. 2018, "Unified Perceptual
 * Parsing", arXiv:1807.10221, at its simplest. The backbone's parameters keep their names, so that its published weights
 * load as they are; all of the decoder's are below `head`.
 */

import { z } from "zod";
import { choiceOf } from "../define.ts";
import { OcelliError, unknownName } from "../errors.ts";
import { type Tensor, concatenate, convert, gelu, reshape } from "../graph/index.ts";
import { type Scope, conv, layer, layerNorm } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { classifierKeys, classify } from "./classifier.ts";
import { type MakeModel, defineModel } from "./define.ts";
import { MODELS } from "./list.ts";
import type { ImageModel, ModelOutput } from "./model.ts";
import { resizeImages } from "./resize.ts";

const segmenterSchema = z.strictObject({
  /** The model whose features are decoded, by name with its options. */
  backbone: z
    .looseObject({
      /** The family of the backbone. */
      name: z.string(),
    })
    .superRefine((value, context) => {
      const others = MODELS.filter(({ around }) => !around);
      const { error } = choiceOf("name", others).safeParse(value);
      for (const issue of error?.issues ?? []) context.addIssue({ ...issue } as never);
    }),
  /** Its layers of [batch, rows, columns, features] or [batch, tokens, features], laid side by side. Default: the last. */
  layers: z.array(z.string()).min(1).max(16).readonly().optional(),
  /** Features of each 3 × 3 convolution between the backbone and the classes. Default: none, a linear decoder. */
  decoder: z.array(z.int().min(1).max(65_536)).max(8).readonly().optional(),
  ...classifierKeys,
});

/** Options of {@link segmenter}. */
export type SegmenterOptions = z.output<typeof segmenterSchema>;

/** The layer that families give their last features as. */
const LAST = "pre_logits_2d";

/**
 * A segmenter: image [batch, height, width, channels] to `[logits, out]`, logits [batch, height, width, classes]; `out`
 * holds what the backbone gives, and `decoded` [batch, rows, columns, features].
 *
 * @throws a configuration error with the nearest layers where a backbone has none of a name
 */
export function segmenter(
  { backbone: { name, ...options }, layers = [LAST], decoder = [], ...classes }: SegmenterOptions,
  make: MakeModel,
): ImageModel {
  const body = make(name, { ...options, numClasses: null });
  return layer((scope: Scope, image: Tensor): ModelOutput => {
    const [, height, width] = image.shape;
    const [, out] = body(scope, image);
    const found = toFlat<Tensor>(out);
    const grids = layers.map((one) => gridOf(layerAt(found, one, name), image.shape, one));
    const rows = Math.max(...grids.map(({ shape }) => shape[1]));
    const columns = Math.max(...grids.map(({ shape }) => shape[2]));
    const alike = grids.map((grid) => resizeImages(convert(grid, "float32"), rows, columns));
    let x = alike.length === 1 ? alike[0] : concatenate(alike, 3); // [batch, rows, columns, features]
    decoder.forEach((features, i) => {
      const at = scope.at("head").at("decoder", i);
      x = gelu(layerNorm(at.at("norm"), conv(at.at("conv"), x, features, { kernel: [3, 3] })));
    });
    const scores = classify(scope, x, classes, false);
    const all = { ...found, decoded: x };
    if (!scores) return [x, all];
    const logits = resizeImages(scores, height, width); // [batch, height, width, classes]
    return [logits, { ...all, logits }];
  });
}

/** A layer that a decoder can read. */
function layerAt(out: Readonly<Record<string, Tensor>>, name: string, backbone: string): Tensor {
  if (Object.hasOwn(out, name) && isSpatial(out[name])) return out[name];
  const valid = Object.keys(out).filter((key) => isSpatial(out[key]));
  throw unknownName(`layer of places of ${backbone}`, name, valid, "config");
}

const isSpatial = ({ rank }: Tensor): boolean => rank === 3 || rank === 4;

/** Features as a grid: tokens stand row by row, as many to a row as the image's shape says. */
function gridOf(x: Tensor, [, height, width]: readonly number[], name: string): Tensor {
  if (x.rank === 4) return x;
  const [batch, tokens, features] = x.shape;
  const rows = Math.round(Math.sqrt((tokens * height) / width));
  const columns = tokens / rows;
  if (Number.isInteger(columns)) return reshape(x, [batch, rows, columns, features]);
  throw new OcelliError(
    "config",
    `the ${tokens} tokens of ${name} make no grid on an image of ${height}×${width}.`,
    { given: name, hint: `A layer of [batch, rows, columns, features], such as ${LAST}, does.` },
  );
}

/** Segmenters in a configuration. */
export const segmenterModel = defineModel({
  name: "segmenter",
  schema: segmenterSchema,
  create: segmenter,
  around: ({ backbone }) => backbone,
});
