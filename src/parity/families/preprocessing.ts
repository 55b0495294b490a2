/** @file Cases of preprocessing: case.json holds texts of the language, on uint8, on float32 and on crops. */

import { OcelliError } from "../../errors.ts";
import { type HostArray, fromNumbers, toNumbers } from "../../graph/index.ts";
import { crop, imageOf, mirror } from "../../preprocess/image.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { sequenceSize } from "../../preprocess/operations/sequence.ts";
import { seededRandom } from "../../random.ts";
import type { Engine } from "../../engines/engine.ts";
import { type Arrays, type Case, type JsonObject, inputOf, numberAt, objectAt } from "../case.ts";
import type { Allowance, Computed } from "../compare.ts";
import { compileNamed } from "../compute.ts";
import type { DecodeImage, Family } from "../family.ts";

/** Runs a text on an example, the operations on the device on a batch of one. */
export async function runFields(engine: Engine, text: string, input: Arrays): Promise<Arrays> {
  const { onHost, onDevice } = parsePreprocessing(text);
  const example = Object.entries(onHost(input, seededRandom("parity")));
  const batch = example.map(([key, x]) => [key, { ...x, shape: [1, ...x.shape] }] as const);
  const results = await compileNamed(engine, (given) => onDevice(given))(Object.fromEntries(batch));
  return Object.fromEntries(
    Object.entries(results).map(([key, x]) => [key, { ...x, shape: x.shape.slice(1) }]),
  );
}

/** Runs a text on one array of an example. */
async function runText(
  engine: Engine,
  text: string,
  key: string,
  input: HostArray,
): Promise<HostArray> {
  return (await runFields(engine, text, { [key]: input }))[key];
}

const textsOf = (object: JsonObject): [string, string][] =>
  Object.entries(object).map(([name, text]) => [name, String(text)]);

/** Texts on an image, and a mirrored corner. */
async function computeImage(given: Case, engine: Engine): Promise<Record<string, HostArray>> {
  const { description, inputs } = given;
  const image = imageOf("case.json", inputOf(inputs, "image"));
  const floats = fromNumbers(toNumbers(image), image.shape, "float32");
  const outputs: Record<string, HostArray> = {};
  for (const [name, text] of textsOf(objectAt(description, "ops_uint8_input"))) {
    outputs[`uint8_in/${name}`] = await runText(engine, text, "image", image);
  }
  for (const [name, text] of textsOf(objectAt(description, "ops_float32_input"))) {
    outputs[`float32_in/${name}`] = await runText(engine, text, "image", floats);
  }
  for (const [name, value] of Object.entries(objectAt(description, "crops_then_op"))) {
    const box = value as JsonObject;
    const side = (key: string): number => numberAt(box, key) ?? 0;
    const part = crop(image, { y: side("y"), x: side("x"), height: side("h"), width: side("w") });
    outputs[`crop/${name}`] = await runText(engine, String(box.op), "image", part);
  }
  const flipped = given.outputs.flip_lr;
  if (flipped) {
    const [height, width] = flipped.shape;
    outputs.flip_lr = mirror(crop(image, { y: 0, x: 0, height, width }));
  }
  return outputs;
}

/** Texts on labels. */
async function computeLabels({ description, inputs }: Case, engine: Engine) {
  const outputs: Record<string, HostArray> = {};
  for (const [name, value] of Object.entries(objectAt(description, "ops"))) {
    const text = String((value as JsonObject).op);
    outputs[name] = await runText(engine, text, "labels", inputOf(inputs, `${name}_labels`));
  }
  return outputs;
}

/** Pictures as patches, for every length that case.json names. */
async function computeSequences(given: Case, engine: Engine): Promise<Record<string, HostArray>> {
  const { description, inputs } = given;
  const constructor = objectAt(description, "constructor");
  const patch = numberAt(constructor, "patch_size") ?? 16;
  const lengths = [constructor.max_sequence_len].flat().map(Number);
  const image = imageOf("case.json", inputOf(inputs, "image"));
  const sizes = toNumbers(inputOf(inputs, "sizes_hw"));
  const outputs: Record<string, HostArray> = {};
  for (const length of lengths) {
    const rule = { patch, length, divisible: true, eps: 1e-5 };
    const pairs = Array.from({ length: sizes.length / 2 }, (_, i) =>
      sequenceSize([sizes[2 * i], sizes[2 * i + 1]], rule),
    );
    outputs[`target_hw/N${length}`] = fromNumbers(pairs.flat(), [pairs.length, 2], "int32");
    const run = (text: string) => runFields(engine, text, { image });
    const call = `(${patch},${length})`;
    const wants = (name: string): boolean =>
      Object.keys(given.outputs).some((key) => key.startsWith(`${name}/N${length}`));
    if (wants("resized")) {
      outputs[`resized/N${length}`] = (await run(`resize_to_sequence${call}`)).image;
    }
    if (wants("patchify")) {
      const made = await run(`resize_to_sequence${call}|patchify(${patch})`);
      const { image: patches, type, yidx, xidx } = made;
      for (const [name, array] of Object.entries({ patches, type, yidx, xidx })) {
        outputs[`patchify/N${length}/${name}`] = array;
      }
    }
    if (wants("central_crop")) {
      const cut = await run(`central_crop_to_sequence${call}`);
      outputs[`central_crop/N${length}`] = cut.image;
    }
  }
  return outputs;
}

const FILE = "_bytes";

/** How far TensorFlow's fast JPEG transform is from the exact one, which is ours, at most. */
const APART = "default_vs_precise_maxdiff";

function largestDifference(a: HostArray, b: HostArray): number {
  const other = toNumbers(b);
  return toNumbers(a).reduce((most, x, i) => Math.max(most, Math.abs(x - other[i])), 0);
}

/** Image files, decoded exactly, and decoded and resized. */
async function computeFiles(
  { inputs, outputs: recorded }: Case,
  engine: Engine,
  decode: DecodeImage,
) {
  const outputs: Record<string, HostArray> = {};
  for (const [name, file] of Object.entries(inputs)) {
    if (!name.endsWith(FILE)) continue;
    const prefix = name.slice(0, -FILE.length);
    const decoded = await decode(file.data as Uint8Array);
    outputs[`${prefix}/decode_default`] = decoded;
    outputs[`${prefix}/decode_precise`] = decoded;
    const apart = inputOf(recorded, `${prefix}/decode_default`);
    outputs[`${prefix}/${APART}`] = fromNumbers([largestDifference(apart, decoded)], [], "float32");
    for (const key of Object.keys(recorded)) {
      const size = key.startsWith(prefix) && /\/decode_resize(\d+)$/.exec(key)?.[1];
      if (size) outputs[key] = await runText(engine, `decode|resize(${size})`, "image", decoded);
    }
  }
  return outputs;
}

/**
 * uint8 values are equal but for 1 in half a percent of them, or, from TensorFlow's fast JPEG transform, as near as that
 * is to the exact one; float32 values are as near as sums in another order are.
 */
function allowanceOf(recorded: Arrays, tolerance: JsonObject, name: string): Allowance {
  const [prefix, kind] = name.split("/");
  if (kind === "decode_default" || kind?.startsWith("decode_resize")) {
    return { rtol: 0, atol: Number(inputOf(recorded, `${prefix}/${APART}`).data[0]) };
  }
  if (recorded[name].dtype === "uint8") {
    const magnitude = toNumbers(recorded[name]).reduce((most, x) => Math.max(most, x), 1);
    return { rtol: 0, atol: 0, rounding: { rtol: 1 / magnitude, share: 0.005 } };
  }
  if (prefix === "float32_in") return { rtol: 1e-6, atol: 0 };
  return { rtol: 0, atol: numberAt(tolerance, "value_range_atol") ?? 0 };
}

export const preprocessing: Family = {
  name: "preprocessing",
  model: /big_vision\/pp/,
  async compute(given, engine, decode): Promise<Computed> {
    const { inputs, outputs: recorded, description } = given;
    const tolerance = objectAt(description, "tolerance");
    const allowance = (name: string) => allowanceOf(recorded, tolerance, name);
    if (Object.hasOwn(inputs, "sizes_hw")) {
      const whole = (name: string): boolean => inputOf(recorded, name).dtype !== "float32";
      return {
        outputs: await computeSequences(given, engine),
        allowance: (name) => (whole(name) ? { rtol: 0, atol: 0 } : undefined),
      };
    }
    if (Object.hasOwn(inputs, "image")) {
      return { outputs: await computeImage(given, engine), allowance };
    }
    if (description.ops) return { outputs: await computeLabels(given, engine), allowance };
    if (!decode) throw new OcelliError("argument", "the case's image files need a decoder.");
    return {
      outputs: await computeFiles(given, engine, decode),
      unchecked: (name) => name.includes("/pil_vs_"), // between two other decoders
      allowance,
    };
  },
};
