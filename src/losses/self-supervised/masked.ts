/**
 * @file Losses of masked images: what was hidden is predicted.
 *
 * MAE: He et al. 2022, arXiv:2111.06377, Section 3. SimMIM: Xie et al. 2022, arXiv:2111.09886, equation 3. BEiT: Bao et al.
 * 2022, arXiv:2106.08254, equation 2.
 */

import {
  type Tensor,
  abs,
  add,
  convert,
  div,
  mean,
  mul,
  oneHot,
  reduceSum,
  rsqrt,
  square,
  sub,
} from "../../graph/index.ts";
import { softmaxXent } from "../softmax.ts";
import { meanOver } from "./rows.ts";

/** Patches [batch, patches, values] standardised one by one, by the unbiased variance and ε 1e-6: MAE's `norm_pix_loss`. */
export function standardisedPatches(patches: Tensor): Tensor {
  const centred = sub(patches, mean(patches, 2, { keepDims: true }));
  const free = Math.max(patches.shape[2] - 1, 1);
  const spread = mul(reduceSum(square(centred), 2, { keepDims: true }), 1 / free);
  return mul(centred, rsqrt(add(spread, 1e-6)));
}

/**
 * MAE's loss: the squared error of each patch's values, their mean, over the masked patches of the batch.
 *
 * @param predicted [batch, patches, values]
 * @param patches of the image, of the same shape; {@link standardisedPatches} of them for `norm_pix_loss`
 * @param mask 1 where a patch was hidden, [batch, patches]
 */
export const hiddenPatches = (predicted: Tensor, patches: Tensor, mask: Tensor): Tensor =>
  meanOver(mean(square(sub(predicted, patches)), 2), mask);

/**
 * SimMIM's loss: Σ |x − x̂| · m / (Σ m + 1e-5) / channels, m 1 at hidden pixels.
 *
 * @param predicted [batch, height, width, channels]
 * @param image of the same shape
 * @param mask 1 where a pixel was hidden, [batch, height, width]
 */
export function hiddenPixels(predicted: Tensor, image: Tensor, mask: Tensor): Tensor {
  const weights = convert(mask, image.dtype);
  const errors = reduceSum(abs(sub(image, predicted)), 3); // [batch, height, width]
  const total = div(reduceSum(mul(errors, weights)), add(reduceSum(weights), 1e-5));
  return mul(total, 1 / image.shape[3]);
}

/**
 * BEiT's loss: the cross-entropy of the tokens at the masked patches, their mean over all of the batch.
 *
 * @param logits [batch, patches, tokens]
 * @param targets integers [batch, patches]
 * @param mask 1 where a patch was masked, [batch, patches]
 */
export const hiddenTokens = (logits: Tensor, targets: Tensor, mask: Tensor): Tensor => {
  const dtype = logits.dtype === "float64" ? "float64" : "float32";
  return meanOver(softmaxXent(logits, oneHot(targets, logits.shape[2], dtype)), mask);
};
