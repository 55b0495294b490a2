/**
 * @file Two towers: an image and a text become vectors of length 1 whose products say how well they belong together.
 *
 * Papers: Radford et al. 2021, "CLIP", arXiv:2103.00020; Zhai et al. 2022, "LiT", arXiv:2111.07991; Zhai et al. 2023,
 * "SigLIP", arXiv:2303.15343. Matches big_vision/models/proj/image_text/two_towers.py: names (`img/…`, `txt/…`, `t`,
 * the log of the temperature, and `b`), layouts, numbers. Any image model of the registry may be the image tower.
 * Largest difference measured in float32 (`npm run parity -- tests/golden/two_towers`): outputs 6.8e-7, gradients 3.2e-6
 * of an array's maximum; of transformers' SigLIP (`tests/golden/hf_siglip`) 5.4e-7.
 */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { type Tensor, add, broadcastTo, dotGeneral, div, exp, mul, norm } from "../graph/index.ts";
import { type Scope, constantValue, layer } from "../nn/index.ts";
import type { Tree } from "../tree.ts";
import { type MakeFieldModel, type ModelOptions, defineFieldModel } from "./define.ts";
import type { FieldArrays, FieldModel, ModelOutput } from "./model.ts";
import { whole } from "./option-kinds.ts";

/** A tower by name with its options; they are checked when it is made. */
const tower = z.looseObject({
  /** The family of the tower. Default: of images "vit", of texts "text-transformer". */
  name: z.string().optional(),
});

const towersSchema = z.strictObject({
  /** The image tower, any model of images, or naflex-vit. Default: a vit of its default size. */
  image: tower.optional(),
  /** The text tower. Default: a text-transformer of its default size. */
  text: tower.optional(),
  /**
   * Numbers of an embedding, of both towers or of [image, text]; null leaves out a tower's last layer, so that it ends
   * with its own width. Default: 128.
   */
  outDim: z.union([whole, z.tuple([whole.nullable(), whole.nullable()]).readonly()]).optional(),
  /** What the products are multiplied by at first; it is learned, as its log. SigLIP's is 10, CLIP's 1 / 0.07. Default: 1. */
  temperatureInit: z.number().positive().optional(),
  /** What is added to the products at first, SigLIP's −10; it is learned. Default: none. */
  biasInit: z.number().nullable().optional(),
});

/** Options of {@link twoTowers}. */
export type TwoTowersOptions = Readonly<z.output<typeof towersSchema>>;

/** What a tower is called in messages, and its family where none is named. */
const TOWERS = {
  img: { title: "image", family: "vit" },
  txt: { title: "text", family: "text-transformer" },
} as const;

/** Vectors at length 1, [batch, width]; their length was `norm` [batch, 1]. */
function normalise(z: Tensor): { readonly norm: Tensor; readonly normalized: Tensor } {
  const length = norm(z, 1, { keepDims: true });
  return { norm: length, normalized: div(z, broadcastTo(add(length, 1e-8), z.shape)) };
}

/**
 * Two towers: field `image` (with `type`, `yidx` and `xidx` for naflex-vit) or `text` (maybe with `textMask`), or both; in
 * place of an image maybe its embedding, `zimg`.
 * `out` holds what each tower gives under `img/` and `txt/`, the embeddings `zimg` and `ztxt` [batch, width], `t`, the
 * temperature, and `b`. The output is `logits` [images, texts], t · zimg · ztxtᵀ (+ b); of one input its embeddings.
 *
 * @throws a configuration error where a tower gives no vector, or the two give vectors of unlike widths
 */
export function twoTowers(options: TwoTowersOptions, make: MakeFieldModel): FieldModel {
  const { image = {}, text = {}, outDim = 128, temperatureInit = 1, biasInit = null } = options;
  const [imageDim, textDim] = typeof outDim === "number" ? [outDim, outDim] : outDim;
  const models = {
    img: makeTower("img", image, imageDim, make),
    txt: makeTower("txt", text, textDim, make),
  };
  return layer((scope, fields): ModelOutput => {
    const out: Record<string, Tree<Tensor>> = {};
    const embed = (key: "img" | "txt", given: FieldArrays): Tensor => {
      const [z, inner] = models[key](scope.at(key), given);
      if (z.rank !== 2) {
        throw new OcelliError(
          "config",
          `the ${TOWERS[key].title} tower must give a vector for each example, not ${z}.`,
          { given: options[TOWERS[key].title] },
        );
      }
      const { norm, normalized } = normalise(z);
      out[key] = { ...(inner as Readonly<Record<string, Tree<Tensor>>>), norm, normalized };
      return normalized;
    };
    const { text: ids, textMask, zimg: given, ...pictured } = fields;
    const ztxt = ids && embed("txt", textMask ? { text: ids, textMask } : { text: ids });
    const zimg = given ?? (Object.hasOwn(pictured, "image") ? embed("img", pictured) : undefined);
    const { t, b } = scaling(scope, temperatureInit, biasInit);
    Object.assign(out, { t: exp(t), "t/parameter": t }, b ? { b } : {});
    if (ztxt) out["ztxt"] = ztxt;
    if (zimg) out["zimg"] = zimg;
    if (!zimg || !ztxt) return [single(zimg ?? ztxt, fields), out];
    if (zimg.shape[1] !== ztxt.shape[1]) {
      throw new OcelliError(
        "config",
        `the image tower gives vectors of ${zimg.shape[1]}, the text tower of ${ztxt.shape[1]}: their products need one width.`,
        { given: outDim, hint: "Say outDim." },
      );
    }
    const logits = pairLogits(zimg, ztxt, exp(t), b);
    out["logits"] = logits;
    return [logits, out];
  });
}

function makeTower(
  key: keyof typeof TOWERS,
  { name = TOWERS[key].family, ...rest }: z.output<typeof tower>,
  numClasses: number | null,
  make: MakeFieldModel,
): FieldModel {
  return make(name, { numClasses, ...rest } as ModelOptions);
}

/** The log of the temperature and the bias, [1] each. */
function scaling(scope: Scope, temperature: number, bias: number | null) {
  return {
    t: scope.param("t", constantValue(Math.log(temperature)), [1]),
    b: bias === null ? undefined : scope.param("b", constantValue(bias), [1]),
  };
}

function single(z: Tensor | undefined, fields: FieldArrays): Tensor {
  if (z) return z;
  const given = Object.keys(fields);
  throw new OcelliError(
    "argument",
    `two towers need image or text, but are given ${given.join(", ") || "none"}.`,
    { given, valid: ["image", "text"] },
  );
}

/** The scores of all pairs, [images, texts]: t · zimg · ztxtᵀ + b. */
export function pairLogits(zimg: Tensor, ztxt: Tensor, t: Tensor, b?: Tensor): Tensor {
  const products = dotGeneral(zimg, ztxt, { lhsContract: [1], rhsContract: [1] });
  const scaled = mul(products, broadcastTo(t, products.shape));
  return b ? add(scaled, broadcastTo(b, scaled.shape)) : scaled;
}

/** Two towers in a configuration. */
export const twoTowersModel = defineFieldModel({
  name: "two-towers",
  schema: towersSchema,
  takes: ["image", "type", "yidx", "xidx", "text", "textMask", "zimg"],
  weightsOf: ["big_vision", "SigLIP", "SigLIP 2", "CLIP"],
  parts: ({ image, text }) => ({
    img: { ...image, name: image?.name ?? TOWERS.img.family },
    txt: { ...text, name: text?.name ?? TOWERS.txt.family },
  }),
  create: twoTowers,
});
