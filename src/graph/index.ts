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
export { type ValueAuxGrad, grad, valueAndGrad, vjp } from "./gradient.ts";
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
export {
  abs,
  ceil,
  cos,
  erf,
  exp,
  expm1,
  floor,
  isFinite,
  log,
  log1p,
  logicalNot,
  logistic,
  neg,
  round,
  rsqrt,
  sign,
  sin,
  sqrt,
  square,
  tanh,
} from "./ops/unary.ts";
export {
  add,
  bitwiseAnd,
  bitwiseOr,
  bitwiseXor,
  clip,
  div,
  logicalAnd,
  logicalOr,
  maximum,
  minimum,
  mul,
  pow,
  rem,
  shiftLeft,
  shiftRightLogical,
  sub,
} from "./ops/binary.ts";
export {
  convert,
  equal,
  greater,
  greaterEqual,
  isNaN,
  less,
  lessEqual,
  notEqual,
  select,
  truncate,
} from "./ops/select.ts";
export { type DotDimensions, dotGeneral, einsum, matmul } from "./ops/dot.ts";
export { type Padding, type PaddingArgument } from "./ops/padding.ts";
export { type ConvOptions, conv } from "./ops/conv.ts";
export { type WindowKind, reduceWindow, selectAndScatterAdd } from "./ops/window.ts";
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
  expandDims,
  moveAxis,
  reshape,
  reverse,
  squeeze,
  swapAxes,
  transpose,
} from "./ops/shape.ts";
export { concatenate, indexAxis, pad, roll, slice, sliceAxis, split, stack } from "./ops/slice.ts";
export {
  type GatherDimensions,
  gather,
  oneHot,
  scatterAdd,
  take,
  takeAlongAxis,
} from "./ops/gather.ts";
export { dynamicSlice, dynamicUpdateSlice } from "./ops/dynamic.ts";
export { argSort, sort, sortWith, topK } from "./ops/sort.ts";
export { barrier, debugPrint, debugSink, stopGradient } from "./ops/barrier.ts";
export { type SavePolicy, remat, saveDots, saveNothing } from "./ops/remat.ts";
export { type ScanOptions, type ScanResult, scan } from "./ops/scan.ts";
export { cond, whileLoop } from "./ops/branch.ts";
export { COMPOSITES, type CompositeName, customGradient } from "./ops/composite.ts";
export { gelu, logSoftmax, softmax } from "./ops/activation.ts";
export { groupNorm, layerNorm, rmsNorm } from "./ops/normalisation.ts";
export { attention } from "./ops/attention.ts";
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
