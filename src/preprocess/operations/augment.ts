/** @file Operations that augment: colours, warps, erasing, and policies that choose among them. */

import { OcelliError } from "../../errors.ts";
import type { Random } from "../../random.ts";
import { gaussianBlur, usualWindow } from "../augment/blur.ts";
import { solarize } from "../augment/colour.ts";
import { colourJitter } from "../augment/jitter.ts";
import { eraseRandomly } from "../augment/erase.ts";
import { augMix, randAugment, trivialAugment } from "../augment/policies.ts";
import { type ByteImage, type Image, byteImageOf, grayscale, rgb } from "../image.ts";
import { type OperationKind, imageOperation, movingOperation, ordered } from "../operation.ts";
import { byDefault, number, percent, positive, whole } from "../parameters.ts";
import { fieldsOnImage } from "../spatial.ts";

const strength = number(0, 1);
/** Operations that one policy draws, one after the other. */
const MAX_LAYERS = 64;

/** An operation that mixes images which were moved apart, so that nothing can lie on its result. */
const mixing = (kind: OperationKind): OperationKind => ({
  ...kind,
  bind(args, name) {
    const operation = kind.bind(args, name);
    return {
      ...operation,
      host(example, random, fields = {}) {
        const [field] = fieldsOnImage(example, fields);
        if (field === undefined) return operation.host(example, random);
        throw new OcelliError(
          "config",
          `${name} mixes images that are moved apart, so that "${field}" cannot follow them.`,
          { hint: "Take randaug or trivial_augment." },
        );
      },
    };
  },
});

/** A change of images with a probability. */
const sometimes =
  (
    name: string,
    probability: number,
    change: (image: ByteImage, random: Random) => ByteImage,
  ): ((image: Image, random: Random) => Image) =>
  (image, random) =>
    probability === 1 || random.uniform() < probability
      ? change(byteImageOf(name, image), random)
      : image;

/** Operations that augment. */
export const augment: Readonly<Record<string, OperationKind>> = {
  /** RandAugment: `num_layers` of 16 operations at `magnitude`, of 10 (Cubuk et al. 2020). */
  randaug: movingOperation(
    { num_layers: byDefault(whole(1, MAX_LAYERS), 2), magnitude: byDefault(number(0, 100), 10) },
    ({ num_layers: layers, magnitude }) =>
      (image, random) =>
        randAugment(byteImageOf("randaug", image), layers, magnitude, random),
  ),
  /** TrivialAugment, wide: one operation at one strength (Müller & Hutter 2021). */
  trivial_augment: movingOperation(
    {},
    () => (image, random) => trivialAugment(byteImageOf("trivial_augment", image), random),
  ),
  /**
   * AugMix: `width` chains of `depth` operations, 0 for 1 to 3, mixed with the image (Hendrycks et al. 2020). Maps, boxes
   * and points cannot follow it.
   */
  augmix: mixing(
    imageOperation(
      {
        severity: byDefault(number(0.1, 10), 3),
        width: byDefault(whole(1, MAX_LAYERS), 3),
        depth: byDefault(whole(0, MAX_LAYERS), 0),
      },
      (options) => (image, random) => augMix(byteImageOf("augmix", image), options, random),
    ),
  ),
  /**
   * Random brightness, contrast and saturation by up to 1 ± x, and hue by up to ± x of the colour circle, in random order,
   * with a probability.
   */
  color_jitter: imageOperation(
    {
      brightness: byDefault(number(0), 0),
      contrast: byDefault(number(0), 0),
      saturation: byDefault(number(0), 0),
      hue: byDefault(number(0, 0.5), 0),
      probability: byDefault(strength, 1),
    },
    ({ probability, ...jitter }) =>
      sometimes("color_jitter", probability, (image, random) =>
        colourJitter(image, jitter, random),
      ),
  ),
  /**
   * Gaussian blur of a window of `kernel` pixels (0: a tenth of the smaller side, made odd) and a random deviation, with a
   * probability, as torchvision's (SimCLR).
   */
  gaussian_blur: imageOperation(
    {
      kernel: byDefault(whole(0, 1023), 0),
      sigma_min: byDefault(positive, 0.1),
      sigma_max: byDefault(positive, 2),
      probability: byDefault(strength, 0.5),
    },
    ({ kernel, probability, sigma_min: low, sigma_max: high }) => {
      const [least, most] = ordered("sigma", low, high);
      return sometimes("gaussian_blur", probability, (image, random) => {
        const sigma = least + (most - least) * random.uniform();
        return gaussianBlur(image, kernel > 0 ? kernel : usualWindow(image), sigma);
      });
    },
  ),
  /** Inverts the values from `threshold` on, with a probability (BYOL). */
  random_solarize: imageOperation(
    { threshold: byDefault(whole(0, 255), 128), probability: byDefault(strength, 0.2) },
    ({ threshold, probability }) =>
      sometimes("random_solarize", probability, (image) => solarize(image, threshold)),
  ),
  /** Takes the colours away with a probability; the channels stay three. */
  random_grayscale: imageOperation({ probability: byDefault(strength, 0.2) }, ({ probability }) =>
    sometimes("random_grayscale", probability, (image) =>
      byteImageOf("random_grayscale", rgb(grayscale(image))),
    ),
  ),
  /** Fills a box of `area_min` to `area_max` percent with `value`, with a probability (Zhong et al. 2020). */
  random_erasing: imageOperation(
    {
      probability: byDefault(strength, 0.5),
      area_min: byDefault(percent, 2),
      area_max: byDefault(percent, 33),
      ratio_min: byDefault(positive, 0.3),
      ratio_max: byDefault(positive, 3.3),
      value: byDefault(number(), 0),
    },
    ({ probability, value, ...args }) => {
      const bounds = {
        area: ordered("area", args.area_min, args.area_max),
        ratio: ordered("ratio", args.ratio_min, args.ratio_max),
      };
      return (image, random) =>
        random.uniform() < probability ? eraseRandomly(image, bounds, value, random) : image;
    },
  ),
};
