/** @file Cases of losses: the names of the outputs say which function of which inputs, and with what options. */

import { OcelliError } from "../../errors.ts";
import { type Tensor, valueAndGrad } from "../../graph/index.ts";
import {
  bidirectionalContrastive,
  maskedMean,
  mix,
  sigmoidXent,
  softmaxXent,
  weightedSoftmaxXent,
} from "../../losses/index.ts";
import type { Family } from "../family.ts";
import { type Arrays, inputOf, under } from "../case.ts";
import { compileNamed } from "../compute.ts";
import { computeSelfSupervised } from "./self-supervised-losses.ts";

type Inputs = Readonly<Record<string, Tensor>>;

/** A loss by its recorded name: results by suffix ("value" is what gradients are taken of). */
interface NamedLoss {
  /** The inputs that gradients are taken of; of a single one they carry no suffix. */
  readonly wrt: readonly string[];
  readonly results: (inputs: Inputs) => Readonly<Record<string, Tensor>>;
}

const reduced = (perExample: Tensor): Record<string, Tensor> => ({
  value: maskedMean(perExample),
  per_example: perExample,
});

/** Which function of which inputs a name stands for. */
function parseLoss(name: string, inputs: Iterable<string>): NamedLoss {
  const names = new Set(inputs);
  const plain = /^(softmax|sigmoid)_xent_(.+)$/.exec(name);
  if (plain) {
    const [, kind, rest] = plain;
    const kl = kind === "softmax" && !names.has(rest) && rest.startsWith("kl_");
    const labels = kl ? rest.slice(3) : rest;
    if (names.has(labels)) {
      return {
        wrt: ["logits"],
        results: (given) =>
          reduced(
            kind === "softmax"
              ? softmaxXent(inputOf(given, "logits"), given[labels], { kl })
              : sigmoidXent(inputOf(given, "logits"), given[labels]),
          ),
      };
    }
  }
  const weighted = /^weighted_softmax_xent_smoothing([\d.e-]+)_(no)?weights_(normalize|sum)$/.exec(
    name,
  );
  if (weighted) {
    const [, smoothing, none, reduction] = weighted;
    return {
      wrt: ["seq_logits"],
      results: (given) =>
        reduced(
          weightedSoftmaxXent(inputOf(given, "seq_logits"), inputOf(given, "seq_labels"), {
            labelSmoothing: Number(smoothing),
            weights: none ? undefined : inputOf(given, "seq_weights"),
            normalize: reduction === "normalize",
          }),
        ),
    };
  }
  if (name === "contrastive_all" || name === "contrastive_masked") {
    return { wrt: ["zimg", "ztxt", "temperature"], results: contrastive(name) };
  }
  throw new OcelliError("unsupported", `the loss ${name} is not known.`);
}

const contrastive =
  (name: "contrastive_all" | "contrastive_masked") =>
  (given: Inputs): Record<string, Tensor> => {
    const kept = name === "contrastive_masked" ? inputOf(given, "mask") : undefined;
    const { loss, correct } = bidirectionalContrastive(
      inputOf(given, "zimg"),
      inputOf(given, "ztxt"),
      inputOf(given, "temperature"),
      kept,
    );
    return {
      value: maskedMean(loss, kept),
      ncorrect: maskedMean(correct, kept),
      per_example: loss,
      per_example_correct: correct,
    };
  };

/** Results and gradients of one loss, under the names they are recorded by. */
function evaluateLoss(name: string, inputs: Inputs): Readonly<Record<string, Tensor>> {
  const { wrt, results } = parseLoss(name, Object.keys(inputs));
  const moved = Object.fromEntries(wrt.map((input) => [input, inputOf(inputs, input)]));
  const { aux, grads } = valueAndGrad((given: Inputs) => {
    const all = results({ ...inputs, ...given });
    return [all.value, all] as const;
  })(moved);
  const suffix = (input: string): string => (wrt.length === 1 ? "" : `/${input}`);
  return {
    ...Object.fromEntries(Object.entries(aux).map(([key, x]) => [`out/${name}/${key}`, x])),
    ...Object.fromEntries(wrt.map((input) => [`grads/${name}${suffix(input)}`, grads[input]])),
  };
}

const MIXED = "mixed_";

export const losses: Family = {
  name: "losses",
  model: /utils: .*(_xent|contrastive_loss|mixup)|^self-supervised losses/,
  async compute(given, engine) {
    if (/^self-supervised/.test(String(given.description.model))) {
      return computeSelfSupervised(given, engine);
    }
    const { inputs, outputs, grads } = given;
    const mixed = Object.keys(outputs).filter((name) => name.startsWith(MIXED));
    const recorded = [...Object.keys(outputs), ...Object.keys(grads[""] ?? {})];
    const names = new Set(
      recorded
        .filter((name) => name !== "lam" && !name.startsWith(MIXED))
        .map((name) => name.split("/")[0]),
    );
    const coefficient: Arrays =
      mixed.length > 0 ? { lam: inputOf({ ...inputs, ...outputs }, "lam") } : {};
    const run = compileNamed(engine, (tensors, { lam }) =>
      Object.fromEntries([
        ...mixed.map((name) => {
          return [`out/${name}`, mix(inputOf(tensors, name.slice(MIXED.length)), lam)] as const;
        }),
        ...[...names].flatMap((name) => Object.entries(evaluateLoss(name, tensors))),
      ]),
    );
    const results = await run(inputs, coefficient);
    return {
      outputs: under(results, "out/"),
      grads: { "": under(results, "grads/") },
      unchecked: (name) => name === "lam", // drawn by another generator, so it is taken as given
    };
  },
};
