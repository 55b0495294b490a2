/** @file Composites: operations with a decomposition, an optional gradient rule, and whole lowerings in engines. */

import { OcelliError } from "../../errors.ts";
import { batchReplay } from "../batching.ts";
import { pullBack } from "../gradient.ts";
import { interpretProgram } from "../interpret.ts";
import { type Program, programFlops, replay, traceRegion } from "../program.ts";
import {
  type Cotangent,
  type Primitive,
  type Tensor,
  emit,
  equationMark,
  shapeError,
  specOf,
} from "../tensor.ts";
import { add } from "./arithmetic.ts";
import { reduceSum } from "./stretch.ts";
import { zerosLike } from "./constant.ts";
import { alias } from "./shape.ts";

/** The composites, which engines may lower as a whole. */
export const COMPOSITES = [
  "softmax",
  "logSoftmax",
  "layerNorm",
  "rmsNorm",
  "groupNorm",
  "gelu",
  "attention",
  "customGradient",
] as const;

/** The name of a composite; the rules of some make one of their own, which engines may lower in another way too. */
export type CompositeName = (typeof COMPOSITES)[number] | "attentionGradient" | "geluGradient";

/** Cotangents of the inputs from inputs, outputs (residuals included) and the cotangents of the outputs. */
export type CompositeGradient = (
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  cotangents: readonly Cotangent[],
  needs: readonly boolean[],
) => readonly Cotangent[];

/** A named sub-program. */
export interface CompositeAttrs {
  readonly name: CompositeName;
  /** Static arguments, for lowerings. */
  readonly options: Readonly<Record<string, number | string | boolean>>;
  readonly program: Program;
  /** How many leading outputs the caller sees; the rest are residuals for the rule. */
  readonly results: number;
  readonly rule?: CompositeGradient;
  /** The rule is the definition (customGradient), not a faster form of the decomposition's gradient. */
  readonly ruleIsFinal?: boolean;
}

const compositeP: Primitive<"composite", CompositeAttrs> = {
  name: "composite",
  infer: (_inputs, { program }) => program.outputs.map(specOf),
  gradient({ inputs, outputs, attrs, needs }, cotangents) {
    const { program, results, rule, ruleIsFinal } = attrs;
    const plain = cotangents.slice(results).every((d) => d === null);
    if (rule && plain) return rule(inputs, outputs, cotangents, needs);
    if (!rule || !ruleIsFinal) return decomposedGradient(program, inputs, cotangents, needs);
    // the rule speaks for the results alone: residuals that a second gradient reads are differentiated as written
    const residuals = cotangents.map((d, i) => (i < results ? null : d));
    const through = decomposedGradient(program, inputs, residuals, needs);
    return rule(inputs, outputs, cotangents, needs).map((d, i) => {
      const e = through[i];
      return d && e ? add(d, e) : (d ?? e);
    });
  },
  batch: ({ inputs, batched, attrs, size }) => {
    if (!attrs.ruleIsFinal) return batchReplay(attrs.program, inputs, batched, size);
    const specs = inputs.map(specOf);
    const program = traceRegion(specs, (...args) =>
      batchReplay(attrs.program, args, batched, size),
    ).program;
    return emit(compositeP, inputs, { ...attrs, program, rule: batchRule(attrs, batched, size) });
  },
  interpret: (inputs, { program }) => interpretProgram(program, inputs),
  flops: (_inputs, _outputs, { program }) => programFlops(program),
};

/** The gradient of a decomposition: its program is emitted again and differentiated. */
function decomposedGradient(
  program: Program,
  inputs: readonly Tensor[],
  cotangents: readonly Cotangent[],
  needs: readonly boolean[],
): Cotangent[] {
  const mark = equationMark();
  const own = inputs.map(alias); // an operand that is given twice gets two cotangents
  const wanted = own.filter((_, i) => needs[i]);
  const grads = pullBack(replay(program, own), cotangents, wanted, ({ id }) => id < mark);
  return needs.map((need) => (need ? grads.shift()! : null));
}

/** A custom rule over a batch: the rule itself is traced for one example and batched. */
function batchRule(
  attrs: CompositeAttrs,
  batched: readonly boolean[],
  size: number,
): CompositeGradient {
  return (inputs, outputs, cotangents, needs) => {
    const present = cotangents.filter((d): d is Tensor => d !== null);
    const all = [...inputs, ...outputs, ...present];
    const flags = [...batched, ...outputs.map(() => true), ...present.map(() => true)];
    const specs = all.map(({ shape, dtype }, i) => ({
      shape: flags[i] ? shape.slice(1) : shape,
      dtype,
    }));
    let missing: boolean[] = [];
    const region = traceRegion(specs, (...args) => {
      const xs = args.slice(0, inputs.length);
      const ys = args.slice(inputs.length, inputs.length + outputs.length);
      const rest = args.slice(inputs.length + outputs.length);
      const ds = attrs.rule!(
        xs,
        ys,
        cotangents.map((d) => d && rest.shift()!),
        needs,
      );
      missing = ds.map((d) => d === null);
      return ds.filter((d): d is Tensor => d !== null);
    });
    const operands = [...all, ...region.captures];
    const grads = batchReplay(
      region.program,
      operands,
      [...flags, ...region.captures.map(() => false)],
      size,
    );
    return missing.map((none, i) => {
      if (none) return null;
      const d = grads.shift()!;
      return batched[i] ? d : reduceSum(d, 0);
    });
  };
}

/** The composite primitive by name. */
export const compositePrimitives = { composite: compositeP };

/** What makes a composite of one result. */
export interface CompositeDefinition {
  readonly name: Exclude<CompositeName, "customGradient">;
  readonly options?: CompositeAttrs["options"];
  /** The result, then residuals for the rule; without a rule all are results. */
  readonly decompose: (...inputs: Tensor[]) => readonly Tensor[];
  readonly rule?: CompositeGradient;
}

/** Applies a composite; its decomposition is traced for the inputs' shapes and reads nothing else. */
export const applyComposite = (
  definition: CompositeDefinition,
  inputs: readonly Tensor[],
): Tensor => emitComposite(definition, inputs)[0];

/** All outputs of a composite, residuals included. */
export function emitComposite(
  { name, options = {}, decompose, rule }: CompositeDefinition,
  inputs: readonly Tensor[],
): readonly Tensor[] {
  const { program } = traceRegion(inputs.map(specOf), decompose);
  const results = rule ? 1 : program.outputs.length;
  return emit(compositeP, inputs, { name, options, program, results, rule });
}

/**
 * A function with a gradient of its own. `fn` returns its outputs and what the rule needs of the forward pass;
 * `rule` gets these residuals and the cotangents of the outputs (zeros filled in), and returns those of the inputs,
 * null for zero. What the rule reads of the forward pass goes through the residuals, and what is to be
 * differentiated through the arguments: a tensor that `fn` takes from around it has no gradient.
 *
 * @example
 * const clipped = customGradient(
 *   (x) => ({ outputs: [x], residuals: [] }),
 *   (_residuals, [d]) => [clip(d, -1, 1)],
 * );
 */
export function customGradient(
  fn: (...args: Tensor[]) => { outputs: readonly Tensor[]; residuals: readonly Tensor[] },
  rule: (residuals: readonly Tensor[], cotangents: readonly Tensor[]) => readonly Cotangent[],
): (...args: Tensor[]) => Tensor[] {
  return (...args) => {
    let results = 0;
    const { program, captures } = traceRegion(args.map(specOf), (...inner) => {
      const { outputs, residuals } = fn(...inner);
      results = outputs.length;
      return [...outputs, ...residuals];
    });
    const made = emit(compositeP, [...args, ...captures], {
      name: "customGradient",
      options: {},
      program,
      results,
      ruleIsFinal: true,
      rule: (inputs, outputs, cotangents, needs) => {
        if (needs.slice(args.length).some(Boolean)) {
          throw new OcelliError(
            "not-differentiable",
            "customGradient: the function reads a tensor around it that needs a gradient; pass it as an argument.",
          );
        }
        const filled = outputs.slice(0, results).map((y, i) => cotangents[i] ?? zerosLike(y));
        const grads = rule(outputs.slice(results), filled);
        checkCotangents(inputs.slice(0, args.length), grads);
        return [...grads, ...captures.map(() => null)];
      },
    });
    return made.slice(0, results);
  };
}

function checkCotangents(inputs: readonly Tensor[], grads: readonly Cotangent[]): void {
  const fits =
    grads.length === inputs.length &&
    grads.every((d, i) => d === null || String(d) === String(inputs[i]));
  if (!fits) {
    const given = grads.map((d) => String(d ?? "null")).join(", ");
    throw shapeError(
      "customGradient",
      inputs,
      `the rule must return their cotangents, not ${given}`,
    );
  }
}
