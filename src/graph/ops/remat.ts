/** @file remat: regions whose values are recomputed in the backward pass. */

import { batchProgram } from "../batching.ts";
import { pullBack } from "../gradient.ts";
import { interpretProgram } from "../interpret.ts";
import { type Program, collect, programFlops, replay, traceRegion } from "../program.ts";
import { type Equation, type Primitive, Tensor, emit, extendEquation, specOf } from "../tensor.ts";
import { barrier } from "./barrier.ts";
import { zerosLike } from "./constant.ts";

/** Which values of a recomputed region are kept after all. */
export type SavePolicy = (equation: Equation) => boolean;

export interface RematAttrs {
  readonly program: Program;
  readonly save: SavePolicy;
}

const rematP: Primitive<"remat", RematAttrs> = {
  name: "remat",
  infer: (_inputs, { program }) => program.outputs.map(specOf),
  gradient({ inputs, attrs: { program, save }, needs, equation }, cotangents) {
    const kept = program.equations.filter(save).flatMap(({ outputs }) => outputs);
    const fresh = kept.filter((tensor) => !program.outputs.includes(tensor));
    const extended = { ...program, outputs: [...program.outputs, ...fresh] };
    if (fresh.length > 0) extendEquation(equation, { program: extended, save }, fresh.map(specOf));
    const held = kept.map((tensor) => equation.outputs[extended.outputs.indexOf(tensor)]);
    const ds = cotangents.filter((d): d is Tensor => d !== null);

    // the gradient of the whole region, forward pass included …
    let recomputed: readonly Tensor[] = [];
    const { program: backward, captures } = traceRegion(
      [...inputs, ...ds].map(specOf),
      (...args) => {
        const own = args.slice(0, inputs.length);
        const seeds = args.slice(inputs.length);
        const made = replay({ ...program, outputs: [...program.outputs, ...kept] }, own);
        recomputed = made.slice(program.outputs.length);
        const wanted = own.filter((_, i) => needs[i]);
        const all = cotangents.map((d) => (d ? seeds.shift()! : null));
        return pullBack(made.slice(0, program.outputs.length), all, wanted).map(
          (d, i) => d ?? zerosLike(wanted[i]),
        );
      },
    );

    // … emitted over values tied to the cotangents, with what was kept in the place of its recomputation
    const tied = barrier([...inputs, ...held, ...ds]);
    const known = new Map(recomputed.map((tensor, i) => [tensor, tied[inputs.length + i]]));
    const ends = new Set([...backward.inputs, ...recomputed]);
    const { equations } = collect(backward.outputs, ends);
    const operands = [...tied.slice(0, inputs.length), ...tied.slice(inputs.length + held.length)];
    const grads = replay({ ...backward, equations }, [...operands, ...captures], known);
    return needs.map((need) => (need ? grads.shift()! : null));
  },
  batch: ({ inputs, batched, attrs: { program, save }, size }) =>
    emit(rematP, inputs, { program: batchProgram(program, batched, size), save }),
  interpret: (inputs, { program }) => interpretProgram(program, inputs),
  flops: (_inputs, _outputs, { program }) => programFlops(program),
  optionalOutputs: () => 0,
};

/** The recomputing primitive by name. */
export const rematPrimitives = { remat: rematP };

/** Keeps nothing but the region's inputs. */
export const saveNothing: SavePolicy = () => false;
/** Keeps products without batch axes (the dense layers'), recomputes the rest. */
export const saveDots: SavePolicy = ({ primitive, attrs }) =>
  primitive.name === "dotGeneral" &&
  (attrs as { lhsBatch: readonly number[] }).lhsBatch.length === 0;

/** A function, of one result or a list, whose intermediate values are recomputed in the backward pass instead of kept. */
export function remat(
  fn: (...args: Tensor[]) => readonly Tensor[],
  save?: SavePolicy,
): (...args: Tensor[]) => Tensor[];
export function remat(
  fn: (...args: Tensor[]) => Tensor,
  save?: SavePolicy,
): (...args: Tensor[]) => Tensor;
export function remat(
  fn: (...args: Tensor[]) => Tensor | readonly Tensor[],
  save: SavePolicy = saveNothing,
) {
  return (...args: Tensor[]): Tensor | Tensor[] => {
    let isList = true;
    const { program, captures } = traceRegion(args.map(specOf), (...inner) => {
      const result = fn(...inner);
      isList = !(result instanceof Tensor);
      return result instanceof Tensor ? [result] : result;
    });
    const outputs = emit(rematP, [...args, ...captures], { program, save });
    return isList ? outputs : outputs[0];
  };
}
