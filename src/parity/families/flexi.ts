/** @file Cases of FlexiViT: calls at several sequence lengths, or a patch kernel at several sizes. */

import type { Engine } from "../../engines/engine.ts";
import type { Tensor } from "../../graph/index.ts";
import {
  type FlexivitOptions,
  flexivit,
  patchSizeOf,
  resizePatchKernel,
  type ImageModel,
} from "../../models/index.ts";
import { type Arrays, type Case, inputOf, numberAt, objectAt, under } from "../case.ts";
import type { Computed } from "../compare.ts";
import { compileNamed } from "../compute.ts";
import type { Family } from "../family.ts";
import { computeImageModel, constructorOptions } from "../image-model.ts";

const KERNEL = "embedding/kernel";
const RESIZED = "resized_patch_kernel";

/** The kernel `in/kernel` at the size that each output's name ends in: `to_12x12`. */
function computeKernels({ inputs, outputs }: Case, engine: Engine): Promise<Arrays> {
  const sizes = Object.keys(outputs).flatMap((name) => {
    const [, height, width] = /^to_(\d+)x(\d+)$/.exec(name) ?? [];
    return height === undefined ? [] : [[name, [Number(height), Number(width)] as const] as const];
  });
  const run = compileNamed(engine, ({ kernel }) =>
    Object.fromEntries(sizes.map(([name, size]) => [name, resizePatchKernel(kernel, size)])),
  );
  return run({ kernel: inputOf(inputs, "kernel") });
}

/** One call, at a sequence length if one is given. */
async function computeCall(
  given: Case,
  options: FlexivitOptions,
  seqhw: number | undefined,
  engine: Engine,
): Promise<Computed> {
  const model = flexivit(options);
  const call: ImageModel = (scope, image) => model(scope, image, seqhw);
  const computed = await computeImageModel(given, call, engine);
  if (!(RESIZED in given.outputs) || seqhw === undefined) return computed;
  const size = patchSizeOf(inputOf(given.inputs, "image").shape, seqhw);
  const run = compileNamed(engine, ({ kernel }): Record<string, Tensor> => {
    return { [RESIZED]: resizePatchKernel(kernel, size) };
  });
  const resized = await run({ kernel: inputOf(given.params, KERNEL) });
  return { ...computed, outputs: { ...computed.outputs, ...resized } };
}

/** Every sequence length of a case: its outputs are `seqhw4/…`, its gradients lie in `grads_seqhw4.npz`. */
async function computeLengths(
  given: Case,
  options: FlexivitOptions,
  lengths: readonly number[],
  engine: Engine,
): Promise<Computed> {
  const outputs: Record<string, Arrays[string]> = {};
  const grads: Record<string, Arrays> = {};
  for (const seqhw of lengths) {
    const [prefix, suffix] = [`seqhw${seqhw}/`, `_seqhw${seqhw}`];
    const recorded = given.grads[suffix];
    const one: Case = {
      ...given,
      outputs: under(given.outputs, prefix),
      grads: recorded ? { "": recorded } : {},
    };
    const computed = await computeCall(one, options, seqhw, engine);
    for (const [name, array] of Object.entries(computed.outputs)) outputs[prefix + name] = array;
    grads[suffix] = computed.grads?.[""] ?? {};
  }
  return { outputs, grads };
}

export const flexi: Family = {
  name: "flexi",
  model: /proj\/flexi\/vit/,
  async compute(given, engine) {
    const { description, inputs } = given;
    if ("kernel" in inputs) return { outputs: await computeKernels(given, engine) };
    const options = constructorOptions(description) as FlexivitOptions;
    const { sequence_lengths: lengths } = description;
    if (Array.isArray(lengths)) {
      return computeLengths(given, options, lengths as readonly number[], engine);
    }
    const seqhw = numberAt(objectAt(description, "call_kwargs"), "seqhw");
    return computeCall(given, options, seqhw, engine);
  },
};
