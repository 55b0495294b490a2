/** @file The named sizes of vision transformers (Table 2 of Zhai et al. 2022, arXiv:2106.04560, and later ones). */

import { OcelliError, unknownName } from "../errors.ts";

/** The shape of an encoder. */
export interface VitShape {
  readonly width: number;
  readonly depth: number;
  readonly mlpDim: number;
  readonly heads: number;
}

const row = (width: number, depth: number, mlpDim: number, heads: number): VitShape => ({
  width,
  depth,
  mlpDim,
  heads,
});

/** Shapes by name. */
export const VIT_VARIANTS: Readonly<Record<string, VitShape>> = {
  mu: row(32, 1, 128, 2),
  Ti: row(192, 12, 768, 3),
  S: row(384, 12, 1536, 6),
  M: row(512, 12, 2048, 8),
  B: row(768, 12, 3072, 12),
  L: row(1024, 24, 4096, 16),
  So400m: row(1152, 27, 4304, 16),
  H: row(1280, 32, 5120, 16),
  g: row(1408, 40, 6144, 16),
  "g-opt": row(1536, 40, 6144, 16),
  G: row(1664, 48, 8192, 16),
  "G-opt": row(1536, 48, 8192, 16),
  e: row(1792, 56, 15360, 16),
  "22B": row(6144, 48, 24576, 48),
};

/**
 * The shape that a variant names, and its patch where one is given: `"S/16"` is S with patches of 16 × 16 pixels.
 */
export function decodeVariant(
  variant: string,
): VitShape & { readonly patch?: readonly [number, number] } {
  const [name, patch] = variant.split("/");
  if (!Object.hasOwn(VIT_VARIANTS, name)) {
    throw unknownName("ViT variant", name, Object.keys(VIT_VARIANTS), "config");
  }
  const shape = VIT_VARIANTS[name];
  if (patch === undefined) return shape;
  const size = Number(patch);
  if (!Number.isInteger(size) || size < 1 || variant.split("/").length > 2) {
    throw new OcelliError(
      "config",
      `the ViT variant "${variant}" must end in /PATCH, as in "S/16".`,
      {
        given: variant,
      },
    );
  }
  return { ...shape, patch: [size, size] };
}
