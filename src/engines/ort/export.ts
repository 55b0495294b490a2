/** @file Programs as ONNX models for other programs: standard operators, names, constants, a batch of any size. */

import { OcelliError } from "../../errors.ts";
import type { HostArray } from "../../graph/dtype.ts";
import type { Program } from "../../graph/program.ts";
import { simplify } from "../../graph/simplify.ts";
import type { OnnxGraph, OnnxModel } from "../../formats/onnx.ts";
import { lowerProgram } from "./lower/program.ts";
import { openBatchError } from "./lower/sizes.ts";
import { modelOf } from "./model.ts";
import { findBatches, withSymbolicBatch } from "./symbolic-batch.ts";

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

/** Batch sizes to trace a function at for {@link ExportOptions.otherBatch}: primes that divide no other extent. */
export const EXPORT_BATCHES = [10_007, 10_009] as const;

/**
 * A program as an ONNX model of standard operators.
 *
 * @throws OcelliError "unsupported" where something in the program depends on the batch size in another way than by a factor
 * @example
 * const [program, otherBatch] = EXPORT_BATCHES.map((n) => trace(predict, image(n)).program);
 * const model = toOnnx(program, { inputNames: ["image"], outputNames: ["scores"], otherBatch });
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
  const lower = (of: Program, open?: number): OnnxGraph => {
    const options = { portable: true, open, inputNames, outputNames, constants: byPosition };
    return lowerProgram(of, options).graph;
  };
  const simple = simplify(program);
  if (!otherBatch) return modelOf(lower(simple), metadata);
  const other = simplify(otherBatch);
  const { sizes } = findBatches(simple.inputs, other.inputs);
  checkFixed(simple, other, sizes);
  const graph = withSymbolicBatch(lower(simple, sizes[0]), lower(other, sizes[1]));
  return modelOf(graph, metadata);
}

/** An error where an extent that both programs have is a multiple of a batch size: it could not be told from it. */
function checkFixed(a: Program, b: Program, sizes: readonly [number, number]): void {
  if (a.equations.length !== b.equations.length) throw openBatchError("the program itself");
  const tensors = ({ inputs, equations }: Program) => [
    ...inputs,
    ...equations.flatMap(({ outputs }) => outputs),
  ];
  const twins = tensors(b);
  for (const [i, { shape }] of tensors(a).entries()) {
    for (const [axis, extent] of shape.entries()) {
      const isFixed = extent !== 0 && extent === twins[i]?.shape[axis];
      const divisor = isFixed ? sizes.find((size) => extent % size === 0) : undefined;
      if (divisor === undefined) continue;
      throw new OcelliError(
        "argument",
        `the fixed extent ${extent} is a multiple of the batch size ${divisor} that the program was traced at.`,
        {
          hint: `Trace at two primes that divide no other extent, such as ${EXPORT_BATCHES.join(" and ")}.`,
        },
      );
    }
  }
}

function checkNames(kind: string, names: readonly string[], count: number): void {
  if (names.length !== count || new Set(names).size !== count) {
    throw new OcelliError(
      "argument",
      `the program has ${count} ${kind}s; ${names.length} names were given, or some repeat.`,
    );
  }
}
