/** @file What the ort engine cannot do, in one place; the rest of the language it can. */

import { OcelliError } from "../../errors.ts";
import type { ConvDimensions } from "../../graph/ops/conv.ts";
import type { ScanAttrs } from "../../graph/ops/scan.ts";
import type { Program } from "../../graph/program.ts";
import type { Equation, Spec } from "../../graph/tensor.ts";
import type { GpuTraits, Runtime } from "./runtime/runtime.ts";
import { isUnrolled } from "./lower/passes/unroll.ts";

/** How something that the engine refuses is recognised. */
interface Rule {
  readonly what: string;
  /** On which GPUs it holds. Default: on the processor too. */
  readonly onGpu?: (gpu: GpuTraits) => boolean;
  readonly hint: string;
  readonly ofValue?: (spec: Spec) => boolean;
  /** @param isNested whether the equation is lowered to a graph of its own */
  readonly ofEquation?: (equation: Equation, isNested: boolean) => boolean;
}

const REFUSALS = {
  float64: {
    what: "float64",
    hint: "Use float32, or the interpreter.",
    ofValue: ({ dtype }) => dtype === "float64",
  },
  int64: {
    what: "int64",
    hint: "Convert to int32.",
    ofValue: ({ dtype }) => dtype === "int64",
  },
  print: {
    what: "debugPrint inside cond, whileLoop or a long scan",
    hint: "Return the value and print it outside, or use the interpreter.",
    ofEquation: ({ primitive }, isNested) => isNested && primitive.name === "debugPrint",
  },
  half: {
    what: "float16 on a GPU without shader-f16",
    hint: "Use float32 or bfloat16, or --engine ort.",
    onGpu: ({ float16 }) => !float16,
    ofValue: ({ dtype }) => dtype === "float16",
  },
  volumes: {
    what: "convolutions along three axes that are transposed, or in groups, on a GPU",
    hint: "Use --engine ort.",
    onGpu: () => true,
    ofEquation: ({ primitive, attrs }) =>
      primitive.name === "convGeneralDilated" && isPartialVolume(attrs as ConvDimensions),
  },
} satisfies Record<string, Rule>;

/** Convolutions of volumes that ONNX Runtime's WebGPU kernels lack. */
const isPartialVolume = (dimensions: ConvDimensions): boolean => {
  const { strides, featureGroups, batchGroups, lhsDilation } = dimensions;
  const isPlain = featureGroups === 1 && batchGroups === 1 && lhsDilation.every((n) => n === 1);
  return strides.length === 3 && !isPlain;
};

/** The name of something that the engine refuses. */
export type Refusal = keyof typeof REFUSALS;

const RULES: readonly Rule[] = Object.values(REFUSALS);

/**
 * Checks that a program has nothing that the engine cannot do, on the processor or on a GPU.
 *
 * @throws OcelliError "unsupported" that names the first such thing
 */
export function checkSupported(program: Program, gpu?: GpuTraits): void {
  const rules = RULES.filter(({ onGpu }) => !onGpu || (gpu && onGpu(gpu)));
  for (const input of program.inputs) checkValue(input, "", rules);
  checkEquations(program, false, rules);
}

function checkEquations(program: Program, isNested: boolean, rules: readonly Rule[]): void {
  for (const equation of program.equations) {
    const { attrs, outputs, primitive, scope } = equation;
    for (const output of outputs) checkValue(output, scope, rules);
    for (const rule of rules) {
      if (rule.ofEquation?.(equation, isNested)) throw refused(rule, scope);
    }
    const hasGraph =
      primitive.name === "cond" ||
      primitive.name === "whileLoop" ||
      (primitive.name === "scan" && !isUnrolled(attrs as ScanAttrs));
    for (const value of Object.values(attrs as object)) {
      if (typeof value === "object" && value !== null && "equations" in value) {
        checkEquations(value as Program, isNested || hasGraph, rules);
      }
    }
  }
}

function checkValue(spec: Spec, scope: string, rules: readonly Rule[]): void {
  for (const rule of rules) if (rule.ofValue?.(spec)) throw refused(rule, scope);
}

const refused = ({ what, hint }: Rule, scope: string): OcelliError =>
  new OcelliError(
    "unsupported",
    `the ort engine cannot do ${what}${scope && ` (in scope ${scope})`}.`,
    { hint },
  );

/**
 * Checks that a runtime can take and return what a program does: ONNX Runtime's JavaScript API has no bfloat16, which may be
 * used inside of a program all the same.
 *
 * @throws OcelliError "unsupported"
 */
export function checkBindable(
  { inputs, outputs }: Program,
  { kind, name }: Pick<Runtime, "kind" | "name">,
): void {
  if (kind === "c-api" || ![...inputs, ...outputs].some(({ dtype }) => dtype === "bfloat16"))
    return;
  throw new OcelliError("unsupported", `${name} cannot take or return bfloat16.`, {
    hint: "Keep state and results in float32 or float16.",
  });
}
