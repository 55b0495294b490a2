/** @file A registered model as an ONNX model for any batch, with the arrays that it was exported with. */

import { EXPORT_BATCHES, toOnnx } from "../../src/engines/ort/export.ts";
import type { OnnxModel } from "../../src/formats/onnx.ts";
import { type HostArray, type Spec, type Tensor, trace } from "../../src/graph/index.ts";
import type { Named } from "../../src/models/contract-fixtures.ts";
import { createModel } from "../../src/models/index.ts";
import { modelSpecs } from "../../src/nn/index.ts";
import { type ModelTensors, outputsOf } from "../../src/served/outputs.ts";
import { type Tree, fromFlat } from "../../src/tree.ts";

/** A model by its name and options. */
export interface ModelChoice {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What {@link exportModel} gives. */
export interface ExportedModel {
  readonly onnx: OnnxModel;
  /** Parameters and variables by flat name. */
  readonly params: Named;
  readonly variables: Named;
  /** Logits [batch, classes] of images [batch, height, width, 3] under weights of these names. */
  readonly forward: (image: Tensor, weights: ModelTensors) => Tensor;
}

/** Exports a model for images [height, width, channels], with arrays that `fill` makes for its leaves. */
export function exportModel(
  { name, options }: ModelChoice,
  image: readonly number[],
  fill: (specs: Tree<Spec>) => Named,
  batches: readonly number[] = EXPORT_BATCHES,
): ExportedModel {
  const model = createModel(name, options);
  const specs = modelSpecs(model, { shape: [1, ...image], dtype: "float32" });
  const [params, variables] = [fill(specs.params), fill(specs.variables)];
  const forward = (x: Tensor, weights: ModelTensors) =>
    outputsOf({ model }, weights, { image: x }).output;
  const arrays = { params: fromFlat(params), variables: fromFlat(variables) };
  const [program, otherBatch] = batches.map(
    (batch) => trace(forward, { shape: [batch, ...image], dtype: "float32" }, arrays).program,
  );
  const prefixed = (prefix: string, named: Named): [string, HostArray][] =>
    Object.entries(named).map(([leaf, array]) => [`${prefix}/${leaf}`, array]);
  const constants = Object.fromEntries([
    ...prefixed("params", params),
    ...prefixed("variables", variables),
  ]);
  const onnx = toOnnx(program, {
    inputNames: ["image", ...Object.keys(constants)],
    outputNames: ["logits"],
    constants,
    otherBatch,
  });
  return { onnx, params, variables, forward };
}
