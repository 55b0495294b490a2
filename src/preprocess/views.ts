/** @file Texts that make several views of an image, each by an augmentation of its own, and augmentations of published systems. */

import { type Call, parseCalls, printCall } from "./parse.ts";

/** What {@link withViews} puts around the augmentations. */
export interface ViewsOptions {
  /** Before the views part, such as decoding. Default: "decode". */
  readonly before?: string;
  /** After each augmentation. Default: "value_range(-1,1)". */
  readonly after?: string;
}

const keyed = (call: Call, key: string): Call => ({
  ...call,
  args: [...call.args, { name: "key", value: key }],
});

const onField = (text: string, key: string): string =>
  parseCalls(text)
    .map((call) => printCall(key === "image" ? call : keyed(call, key)))
    .join("|");

/**
 * A text that makes a view of an image by each augmentation: the fields `image`, `view1`, `view2` and so on, which
 * self-supervised objectives read.
 *
 * @example
 * withViews(["flip_lr", "random_grayscale(1)"]);
 * // decode|copy("image","view1")|flip_lr|random_grayscale(1,key="view1")|value_range(-1,1)|value_range(-1,1,key="view1")
 */
export function withViews(
  augmentations: readonly string[],
  { before = "decode", after = "value_range(-1,1)" }: ViewsOptions = {},
): string {
  const names = augmentations.map((_, i) => (i === 0 ? "image" : `view${i}`));
  return [
    before,
    ...names.slice(1).map((name) => `copy("image","${name}")`),
    ...augmentations.map((text, i) => onField(text, names[i])),
    ...names.map((name) => onField(after, name)), // all on the device, where they are the last
  ]
    .filter((text) => text !== "")
    .join("|");
}

const crop = (size: number, least: number, most = 100): string =>
  `random_resized_crop(${size},${least},${most},method="pil_bicubic")|flip_lr`;

const jitter = (strength: readonly number[]): string =>
  `color_jitter(${strength.join(",")},probability=0.8)|random_grayscale(0.2)`;

const blur = (probability: number): string => `gaussian_blur(probability=${probability})`;

/**
 * Augmentations of published systems by name, each a list of one text a view, for images of `size` pixels (of crops of
 * several sizes the smaller ones have 96 of 224).
 *
 * SimCLR: arXiv:2002.05709, Appendix A. MoCo v2: arXiv:2003.04297. BYOL: arXiv:2006.07733, Table 6. SwAV: arXiv:2006.09882. DINO:
 * arXiv:2104.14294. MAE: arXiv:2111.06377.
 */
export const AUGMENTATIONS = {
  simclr(size: number): string[] {
    const one = [crop(size, 8), jitter([0.8, 0.8, 0.8, 0.2]), blur(0.5)].join("|");
    return [one, one];
  },
  moco(size: number): string[] {
    const one = [crop(size, 20), jitter([0.4, 0.4, 0.4, 0.1]), blur(0.5)].join("|");
    return [one, one];
  },
  byol(size: number): string[] {
    const base = [crop(size, 8), jitter([0.4, 0.4, 0.2, 0.1])];
    return [
      [...base, blur(1)].join("|"),
      [...base, blur(0.1), "random_solarize(128,0.2)"].join("|"),
    ];
  },
  swav(size: number, small = 6): string[] {
    const rest = [jitter([0.8, 0.8, 0.8, 0.2]), blur(0.5)];
    const large = [crop(size, 14), ...rest].join("|");
    const little = [crop(smaller(size), 5, 14), ...rest].join("|");
    return [large, large, ...Array.from({ length: small }, () => little)];
  },
  dino(size: number, small = 8): string[] {
    const colours = jitter([0.4, 0.4, 0.2, 0.1]);
    return [
      [crop(size, 40), colours, blur(1)].join("|"),
      [crop(size, 40), colours, blur(0.1), "random_solarize(128,0.2)"].join("|"),
      ...Array.from({ length: small }, () =>
        [crop(smaller(size), 5, 40), colours, blur(0.5)].join("|"),
      ),
    ];
  },
  mae: (size: number): string[] => [crop(size, 20)],
} as const;

/** 96 of 224, to a multiple of 4, with which patches of small images divide. */
const smaller = (size: number): number => Math.max(4, 4 * Math.round((size * 96) / 224 / 4));
