/** @file Policies that choose among augmentations: RandAugment, TrivialAugment, AugMix. */

import { type ByteImage, byteImageOf, makeImage } from "../image.ts";
import type { Random } from "../../random.ts";
import {
  autoContrast,
  brightness,
  contrast,
  equalize,
  invert,
  meanLuma,
  posterize,
  saturation,
  sharpness,
  solarize,
  solarizeAdd,
} from "./colour.ts";
import { cutout } from "./erase.ts";
import { type Move, warpMove } from "../spatial.ts";
import { type Warp, rotate, shearX, shearY, translateX, translateY, warp } from "./warp.ts";

/** An augmentation at a level; it adds to `moves` how it moves what lies on the image. */
type Augmentation = (image: ByteImage, level: number, random: Random, moves: Move[]) => ByteImage;

/** An augmented image, and how what lies on it moves. */
interface MovedBytes {
  readonly image: ByteImage;
  readonly moves: readonly Move[];
}

const signed = (level: number, random: Random): number => (random.uniform() < 0.5 ? level : -level);

const pick = <T>(list: readonly T[], random: Random): T => list[random.integer(0, list.length)];

/** A warp by a random sign of some amount. */
const eitherWay =
  (
    affineOf: Warp,
    amountOf: (level: number, image: ByteImage) => number,
    fill: number,
  ): Augmentation =>
  (image, level, random, moves) => {
    const affine = affineOf(image, signed(amountOf(level, image), random));
    moves.push(warpMove([image.shape[0], image.shape[1]], affine));
    return warp(image, affine, fill);
  };

const GREY = 128;

/** Levels count in tenths of the full strength. */
const tenths = (full: number) => (level: number) => (level / 10) * full;
const enhancement = (level: number): number => tenths(1.8)(level) + 0.1;

/** The operations of RandAugment as big_vision has them: contrast is about pixels / 256, not the mean luma. */
const RANDAUGMENT: readonly Augmentation[] = [
  autoContrast,
  equalize,
  invert,
  eitherWay(rotate, tenths(30), GREY),
  (image, level) => posterize(image, Math.trunc(tenths(4)(level))),
  (image, level) => solarize(image, Math.trunc(tenths(256)(level))),
  (image, level) => saturation(image, enhancement(level)),
  (image, level) => {
    const [h, w] = image.shape;
    return contrast(image, enhancement(level), Math.min(255, Math.trunc((h * w) / 256)));
  },
  (image, level) => brightness(image, enhancement(level)),
  (image, level) => sharpness(image, enhancement(level)),
  eitherWay(shearX, tenths(0.3), GREY),
  eitherWay(shearY, tenths(0.3), GREY),
  eitherWay(translateX, tenths(100), GREY),
  eitherWay(translateY, tenths(100), GREY),
  (image, level, random) =>
    byteImageOf("randaug", cutout(image, Math.trunc(tenths(40)(level)), GREY, random)),
  (image, level) => solarizeAdd(image, Math.trunc(tenths(110)(level))),
];

/**
 * RandAugment: `layers` operations, each uniform among 16, all of one magnitude.
 *
 * @see https://arxiv.org/abs/1909.13719 (Cubuk et al. 2020)
 */
export function randAugment(
  image: ByteImage,
  layers: number,
  magnitude: number,
  random: Random,
): MovedBytes {
  const moves: Move[] = [];
  let result = image;
  for (let i = 0; i < layers; i++) {
    result = pick(RANDAUGMENT, random)(result, magnitude, random, moves);
  }
  return { image: result, moves };
}

/** The strengths of TrivialAugment. */
const STRENGTHS = 31;

/** A part of the full strength, from 0 to 1. */
const strong = (full: number) => (level: number) => level * full;
const eitherEnhancement = (level: number, random: Random): number =>
  1 + signed(0.99 * level, random);

/** The "wide" operations of TrivialAugment, at levels from 0 to 1; what comes in is black. */
const TRIVIAL: readonly Augmentation[] = [
  (image) => image,
  autoContrast,
  equalize,
  eitherWay(rotate, strong(135), 0),
  (image, level) => solarize(image, 255 * (1 - level)),
  (image, level, random) => saturation(image, eitherEnhancement(level, random)),
  (image, level) => posterize(image, 8 - Math.round(6 * level)),
  (image, level, random) => contrast(image, eitherEnhancement(level, random), meanLuma(image)),
  (image, level, random) => brightness(image, eitherEnhancement(level, random)),
  (image, level, random) => sharpness(image, eitherEnhancement(level, random)),
  eitherWay(shearX, strong(0.99), 0),
  eitherWay(shearY, strong(0.99), 0),
  eitherWay(translateX, strong(32), 0),
  eitherWay(translateY, strong(32), 0),
];

/**
 * TrivialAugment: one operation at one strength, both uniform.
 *
 * @see https://arxiv.org/abs/2103.10158 (Müller & Hutter 2021; the "wide" space)
 */
export function trivialAugment(image: ByteImage, random: Random): MovedBytes {
  const moves: Move[] = [];
  const augment = pick(TRIVIAL, random);
  const level = random.integer(0, STRENGTHS) / (STRENGTHS - 1);
  return { image: augment(image, level, random, moves), moves };
}

const thirdOf = (axis: 0 | 1) => (level: number, image: ByteImage) =>
  Math.trunc(tenths(image.shape[axis] / 3)(level));

/** The operations of AugMix, none of which is in the corruptions that it is tested on; what comes in is black. */
const AUGMIX: readonly Augmentation[] = [
  autoContrast,
  equalize,
  (image, level) => posterize(image, 4 - Math.trunc(tenths(4)(level))),
  eitherWay(rotate, (level) => Math.trunc(tenths(30)(level)), 0),
  (image, level) => solarize(image, 256 - Math.trunc(tenths(256)(level))),
  eitherWay(shearX, tenths(0.3), 0),
  eitherWay(shearY, tenths(0.3), 0),
  eitherWay(translateX, thirdOf(1), 0),
  eitherWay(translateY, thirdOf(0), 0),
];

/** Options of {@link augMix}. */
export interface AugMixOptions {
  /** The highest level, 10 being the strongest. */
  readonly severity: number;
  /** How many chains are mixed. */
  readonly width: number;
  /** Operations in a chain; 0 draws 1 to 3 for each. */
  readonly depth: number;
}

/**
 * AugMix with α = 1: chains of operations, mixed with uniform weights that sum to 1, mixed with the image by a uniform
 * part.
 *
 * @see https://arxiv.org/abs/1912.02781 (Hendrycks et al. 2020)
 */
export function augMix(
  image: ByteImage,
  { severity, width, depth }: AugMixOptions,
  random: Random,
): ByteImage {
  const shares = Array.from({ length: width }, () => -Math.log(1 - random.uniform())); // Dirichlet(1)
  const total = shares.reduce((sum, share) => sum + share, 0);
  const part = random.uniform();
  const mixed = Float32Array.from(image.data, (value) => (1 - part) * value);
  for (const share of shares) {
    let result = image;
    const length = depth > 0 ? depth : random.integer(1, 4);
    for (let i = 0; i < length; i++) {
      const augment = pick(AUGMIX, random);
      const level = 0.1 + random.uniform() * (severity - 0.1);
      result = augment(result, level, random, []);
    }
    const weight = (part * share) / total;
    for (let i = 0; i < mixed.length; i++) mixed[i] += weight * result.data[i];
  }
  return makeImage(image.shape, Uint8Array.from(mixed, Math.round));
}
