/** @file The strengths of augmentation that the paper compares, by its names (Steiner et al. 2021, Section 3). */

/** What an augmentation does beside cropping and mirroring. */
export interface Strength {
  /** RandAugment in the preprocessing language; "" for none. */
  readonly randaug: string;
  /** λ ~ Beta(mixup, mixup); 0 for none. */
  readonly mixup: number;
}

/** By the paper's names, from weak to strong. */
export const STRENGTHS = {
  none: { randaug: "", mixup: 0 },
  light1: { randaug: "|randaug(2,0)", mixup: 0 }, // at magnitude 0 some operations still act
  light2: { randaug: "|randaug(2,10)", mixup: 0.2 },
  medium1: { randaug: "|randaug(2,15)", mixup: 0.2 },
  medium2: { randaug: "|randaug(2,15)", mixup: 0.5 },
  strong1: { randaug: "|randaug(2,20)", mixup: 0.5 },
  strong2: { randaug: "|randaug(2,20)", mixup: 0.8 },
} as const satisfies Readonly<Record<string, Strength>>;

/** The training preprocessing with a strength. */
export const augmented = ({ randaug }: Strength): string =>
  `decode(alpha=drop)|inception_crop(224)|flip_lr${randaug}|value_range(-1,1)`;
