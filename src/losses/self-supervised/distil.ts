/**
 * @file Self-distillation: a student predicts the distribution of a teacher that follows it.
 *
 * DINO: Caron et al. 2021, arXiv:2104.14294, equations 1 to 4. iBOT: Zhou et al. 2022, arXiv:2111.07832, equations 2 and 3.
 * KoLeo: Sablayrolles et al. 2019, arXiv:1806.03198, as in DINOv2, Oquab et al. 2023, arXiv:2304.07193, whose targets by Sinkhorn
 * are here too.
 */

import {
  type Tensor,
  type TensorLike,
  add,
  argMax,
  broadcastTo,
  concatenate,
  convert,
  div,
  equal,
  eye,
  log,
  logSoftmax,
  maximum,
  mul,
  neg,
  norm,
  reduceSum,
  reshape,
  select,
  sliceAxis,
  softmax,
  stopGradient,
  sub,
  take,
} from "../../graph/index.ts";
import { sinkhorn } from "./assignment.ts";
import { bothKept } from "./contrast.ts";
import { columnMeans, meanOver, rowProducts, unitRows } from "./rows.ts";

/** softmax((logits − centre) / temperature) over the last axis, what a student is to predict; no gradient passes. */
export const teacherProbabilities = (
  logits: Tensor,
  centre: Tensor,
  temperature: TensorLike,
): Tensor => {
  const centred = sub(logits, broadcastTo(centre, logits.shape));
  return stopGradient(softmax(div(centred, temperature), -1));
};

/** Logits of several views, each [..., outputs], as rows: those of the first view, then those of the next. */
export const rowsOfViews = (views: readonly Tensor[]): Tensor =>
  concatenate(
    views.map((one) => reshape(one, [one.size / one.shape.at(-1)!, one.shape.at(-1)!])),
    0,
  );

/**
 * DINOv2's targets: exp(logits / temperature), shared equally by Sinkhorn among the rows of all views together; no gradient passes.
 *
 * @param logits of each view, [..., outputs]
 * @param masks 0 for rows of each view that take no part, [...]; all take part where there are none
 * @returns probabilities of each view, [..., outputs]
 */
export function sharedProbabilities(
  logits: readonly Tensor[],
  temperature: TensorLike,
  masks: readonly Tensor[] = [],
): Tensor[] {
  const flat = masks.map((mask) => reshape(mask, [mask.size]));
  const mask = flat.length > 0 ? concatenate(flat, 0) : undefined;
  const codes = sinkhorn(rowsOfViews(logits), { epsilon: temperature, mask });
  const rows = codes.shape[0] / logits.length;
  return logits.map((one, i) => reshape(sliceAxis(codes, 0, i * rows, (i + 1) * rows), one.shape));
}

/**
 * The next centre: momentum · centre + (1 − momentum) · the mean of the teacher's logits over all axes but the last.
 *
 * @param mask 0 for rows of logits [n, outputs] that take no part, [n]
 */
export function nextCentre(centre: Tensor, logits: Tensor, momentum = 0.9, mask?: Tensor): Tensor {
  const now = reshape(columnMeans(rowsOfViews([logits]), mask), [logits.shape.at(-1)!]);
  return stopGradient(add(mul(centre, momentum), mul(now, 1 - momentum)));
}

/** −Σ target · log softmax(logits / temperature) over the last axis. */
export const crossEntropy = (logits: Tensor, target: Tensor, temperature: TensorLike): Tensor =>
  neg(reduceSum(mul(target, logSoftmax(div(logits, temperature), -1)), -1));

/**
 * DINO's loss: every view of the student against every global view of the teacher but the same one; the mean over the pairs.
 *
 * @param student logits of each view, the global ones first, each [batch, outputs]
 * @param teacher probabilities of each global view, each [batch, outputs]
 * @returns [batch]
 */
export function viewsAgainstTeacher(
  student: readonly Tensor[],
  teacher: readonly Tensor[],
  temperature: TensorLike = 0.1,
): Tensor {
  const terms = pairsOfViews(teacher.length, student.length).map(([i, v]) =>
    crossEntropy(student[v], teacher[i], temperature),
  );
  return mul(terms.reduce(add), 1 / terms.length);
}

/** The pairs of {@link viewsAgainstTeacher}: the teacher's view and the student's. */
export const pairsOfViews = (
  globals: number,
  views: number,
): [teacher: number, student: number][] =>
  Array.from({ length: globals }, (_, i) => i).flatMap((i) =>
    Array.from({ length: views }, (_, v) => v)
      .filter((v) => v !== i)
      .map((v): [number, number] => [i, v]),
  );

/**
 * iBOT's loss of patches: the cross-entropy at the masked patches of an image, their mean; 0 where none is masked.
 *
 * @param logits of the student, [batch, patches, outputs]
 * @param target the teacher's probabilities, of the same shape
 * @param mask 1 where a patch was masked, [batch, patches]
 * @returns [batch]
 */
export function maskedPatches(
  logits: Tensor,
  target: Tensor,
  mask: Tensor,
  temperature: TensorLike = 0.1,
): Tensor {
  const weights = convert(mask, logits.dtype);
  const losses = mul(crossEntropy(logits, target, temperature), weights);
  return div(reduceSum(losses, 1), maximum(reduceSum(weights, 1), 1));
}

/**
 * KoLeo: −mean log of the distance of each vector, at unit length, to its nearest neighbour in the batch. It spreads them.
 *
 * @param z [batch, width], two rows or more
 */
export function koLeo(
  z: Tensor,
  { epsilon = 1e-8, mask }: { readonly epsilon?: number; readonly mask?: Tensor } = {},
): Tensor {
  const unit = unitRows(z);
  const [n] = z.shape;
  const others = bothKept(equal(eye(n), 0), mask);
  const products = select(others, stopGradient(rowProducts(unit, unit)), -2);
  const nearest = take(unit, argMax(products, 1), 0);
  const distance = norm(add(sub(unit, nearest), epsilon), -1);
  return neg(meanOver(log(add(distance, epsilon)), mask));
}
