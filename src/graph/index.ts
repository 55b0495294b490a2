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
export { type Program } from "./program.ts";
export { type TracedFunction, trace } from "./trace.ts";
export { type GradOptions, type ValueAuxGrad, grad, valueAndGrad, vjp } from "./gradient.ts";
export { type VmapOptions, vmap } from "./batching.ts";
export { printProgram } from "./print.ts";
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
export { add, bitwiseAnd, bitwiseOr, bitwiseXor, clip, div, logicalAnd, logicalOr, maximum, minimum, mul, pow, rem, shiftLeft, shiftRightLogical, sub } from "./ops/binary.ts";
export { convert, equal, greater, greaterEqual, isNaN, less, lessEqual, notEqual, select, truncate } from "./ops/select.ts";
export { abs, ceil, cos, erf, exp, expm1, floor, isFinite, log, log1p, logicalNot, logistic, neg, round, rsqrt, sign, sin, sqrt, square, tanh } from "./ops/unary.ts";
export { type DotDimensions, dotGeneral, einsum, matmul } from "./ops/dot.ts";
export {
  type ConvOptions,
  type Padding,
  type PaddingArgument,
  type WindowKind,
  conv,
  reduceWindow,
  selectAndScatterAdd,
} from "./ops/conv.ts";
export {
  argMax,
  argMin,
  cumMax,
  cumProd,
  cumSum,
  logSumExp,
  mean,
  norm,
  reduceAnd,
  reduceMax,
  reduceMin,
  reduceOr,
  reduceProd,
  reduceSum,
  variance,
} from "./ops/reduce.ts";
export {
  broadcastInDim,
  concatenate,
  expandDims,
  indexAxis,
  moveAxis,
  pad,
  reshape,
  reverse,
  roll,
  slice,
  sliceAxis,
  split,
  squeeze,
  stack,
  swapAxes,
  transpose,
} from "./ops/shape.ts";
export {
  argSort,
  dynamicSlice,
  dynamicUpdateSlice,
  gather,
  oneHot,
  scatterAdd,
  sort,
  sortWith,
  take,
  takeAlongAxis,
  topK,
} from "./ops/gather.ts";
export {
  type SavePolicy,
  type ScanOptions,
  type ScanResult,
  barrier,
  cond,
  debugPrint,
  debugSink,
  programFlops,
  remat,
  saveDots,
  saveNothing,
  scan,
  stopGradient,
  whileLoop,
} from "./ops/control.ts";
export {
  type CompositeName,
  attention,
  customGradient,
  gelu,
  groupNorm,
  layerNorm,
  logSoftmax,
  rmsNorm,
  softmax,
} from "./ops/composite.ts";
export {
  bernoulli,
  beta,
  erfInv,
  foldIn,
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
