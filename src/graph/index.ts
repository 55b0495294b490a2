/** @file The graph language: tensors, operations, tracing, gradients, batching, printing. */

export * from "./dtype.ts";
export {
  type Cotangent,
  type Equation,
  type Primitive,
  type Spec,
  Tensor,
  specOf,
  withScope,
} from "./tensor.ts";
export { type Program, programFlops } from "./program.ts";
export { type TracedFunction, trace } from "./trace.ts";
export { type ValueAuxGrad, grad, pullBack, valueAndGrad, vjp } from "./gradient.ts";
export { type VmapOptions, vmap } from "./batching.ts";
export { printProgram } from "./print.ts";
export { type Bits, type Quantised, dequantise, quantise, quantisedMatmul } from "./quantise.ts";
export { simplify } from "./simplify.ts";
export { type AttrsOf, type PrimitiveName, primitives } from "./ops/index.ts";
export { type TensorLike, broadcastTo } from "./ops/broadcast.ts";
export {
  type Nested,
  arange,
  constant,
  constantLike,
  full,
  iota,
  ones,
  onesLike,
  scalar,
  tensor,
  zeros,
  zerosLike,
} from "./ops/constant.ts";
// every operation of these families is public, so that a new one needs no line here
export { add, div, mul, neg, square, sub } from "./ops/arithmetic.ts";
export * from "./ops/unary.ts";
export * from "./ops/trigonometric.ts";
export { digamma } from "./ops/gamma.ts";
export * from "./ops/binary.ts";
export * from "./ops/select.ts";
export * from "./ops/dot.ts";
export { type Padding, type PaddingArgument } from "./ops/padding.ts";
export * from "./ops/conv.ts";
export * from "./ops/window.ts";
export { broadcastInDim, reduceSum } from "./ops/stretch.ts";
export * from "./ops/reduce.ts";
export * from "./ops/shape.ts";
export * from "./ops/slice.ts";
export * from "./ops/gather.ts";
export { scatterMax, scatterMin, scatterSet } from "./ops/scatter.ts";
export * from "./ops/dynamic.ts";
export * from "./ops/sort.ts";
export { type Complex, fft, ifft, irfft, irfft2, rfft, rfft2 } from "./ops/fft.ts";
export * from "./ops/linalg/index.ts";
export { barrier, debugPrint, debugSink, stopGradient } from "./ops/barrier.ts";
export { type Sharding, withSharding } from "./ops/sharding.ts";
export { type SavePolicy, remat, saveDots, saveNothing } from "./ops/remat.ts";
export { type AssociativeScanOptions, associativeScan } from "./ops/associative-scan.ts";
export { type ScanOptions, type ScanResult, scan } from "./ops/scan.ts";
export { cond, whileLoop } from "./ops/branch.ts";
export { COMPOSITES, type CompositeName, customGradient } from "./ops/composite.ts";
export { gelu, geluExact, logSoftmax, softmax } from "./ops/activation.ts";
export { groupNorm, layerNorm, rmsNorm } from "./ops/normalisation.ts";
export { attention, attentionWeights } from "./ops/attention.ts";
export {
  type CategoricalOptions,
  bernoulli,
  beta,
  categorical,
  erfInv,
  foldIn,
  gumbel,
  logGamma,
  normal,
  permutation,
  randomBits,
  randomInt,
  randomKey,
  splitKey,
  truncatedNormal,
  uniform,
} from "./random.ts";
