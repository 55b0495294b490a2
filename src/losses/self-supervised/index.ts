/** @file Losses that need no labels, or few: one value for each example or one for the batch, and their parts. */

export {
  columnMeans,
  cosines,
  countRows,
  entropyOf,
  keptRows,
  maskOfEach,
  repeatRows,
  rowProducts,
  unitRows,
} from "./rows.ts";
export {
  batchContrast,
  bothKept,
  firstIsRight,
  imageLabels,
  ntXent,
  queueLogits,
  supervisedContrast,
} from "./contrast.ts";
export {
  type Redundancy,
  type VicRegTerms,
  type VicRegWeights,
  barlowTwins,
  negativeCosine,
  regression,
  vicReg,
} from "./siamese.ts";
export {
  type MaskedSiameseOptions,
  type MaskedSiameseTerms,
  type SinkhornOptions,
  type SwappedOptions,
  maskedSiamese,
  prototypeScores,
  shareEqually,
  sinkhorn,
  swappedPrediction,
} from "./assignment.ts";
export {
  crossEntropy,
  koLeo,
  maskedPatches,
  nextCentre,
  pairsOfViews,
  rowsOfViews,
  sharedProbabilities,
  teacherProbabilities,
  viewsAgainstTeacher,
} from "./distil.ts";
export { hiddenPatches, hiddenPixels, hiddenTokens, standardisedPatches } from "./masked.ts";
export {
  type BatchHardOptions,
  type Triplets,
  batchHard,
  semiHard,
  squaredDistances,
} from "./triplets.ts";
export {
  type AdversarialOptions,
  logitDivergence,
  softmaxEntropy,
  virtualAdversarial,
} from "./unlabelled.ts";
