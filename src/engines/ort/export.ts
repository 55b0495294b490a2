/** @file Programs as ONNX models for other programs: standard operators, names, constants, a batch of any size. */

import { OcelliError } from "../../errors.ts";
import type { HostArray } from "../../graph/dtype.ts";
import type { Program } from "../../graph/program.ts";
import { simplify } from "../../graph/simplify.ts";
import type { OnnxModel } from "../../formats/onnx.ts";
import { type LoweredProgram, lowerProgram } from "./lower/program.ts";
import { modelOf } from "./model.ts";
import { withSymbolicBatch } from "./symbolic-batch.ts";

/** Options of {@link toOnnx}. */
export interface ExportOptions {
  /** Names of the program's inputs and outputs, in order. */
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Inputs that become constants of the model, by name: its parameters. */
  readonly constants?: Readonly<Record<string, HostArray>>;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The same function traced at another batch size: what differs between the two becomes symbolic. */
  readonly otherBatch?: Program;
}

/** Batch sizes to trace a function at for {@link ExportOptions.otherBatch}: no other extent is likely to be a multiple. */
export const EXPORT_BATCHES = [61, 67] as const;

/**
 * A program as an ONNX model of standard operators.
 *
 * @throws OcelliError "unsupported" where something in the program depends on the batch size in another way than by a factor
 * @example
 * const [program, otherBatch] = EXPORT_BATCHES.map((n) => trace(predict, image(n)).program);
 * const model = toOnnx(program, { inputNames: ["image"], outputNames: ["logits"], otherBatch });
 * const { model: bytes } = encodeModel(model);
 */
export function toOnnx(program: Program, options: ExportOptions): OnnxModel {
  const { inputNames, outputNames, constants = {}, metadata, otherBatch } = options;
  checkNames("input", inputNames, program.inputs.length);
  checkNames("output", outputNames, program.outputs.length);
  const byPosition = new Map<number, HostArray>();
  for (const [name, value] of Object.entries(constants)) {
    const position = inputNames.indexOf(name);
    if (position < 0) throw new OcelliError("argument", `the program has no input "${name}".`);
    byPosition.set(position, value);
  }
  const lower = (of: Program): LoweredProgram =>
    lowerProgram(simplify(of), { portable: true, inputNames, outputNames, constants: byPosition });
  const { graph } = lower(program);
  const symbolic = otherBatch ? withSymbolicBatch(graph, lower(otherBatch).graph) : graph;
  return modelOf(symbolic, metadata);
}

function checkNames(kind: string, names: readonly string[], count: number): void {
  if (names.length !== count || new Set(names).size !== count) {
    throw new OcelliError(
      "argument",
      `the program has ${count} ${kind}s; ${names.length} names were given, or some repeat.`,
    );
  }
}
