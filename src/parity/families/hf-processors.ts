/** @file Image processors of transformers' cases: a configuration applied to one image of bytes. */

import type { Engine } from "../../engines/engine.ts";
import { type HostArray, fromNumbers, toNumbers } from "../../graph/index.ts";
import { describeProcessor } from "../../weights/index.ts";
import { OcelliError } from "../../errors.ts";
import { type Arrays, type Case, jsonFile } from "../case.ts";
import type { Allowance, Computed } from "../compare.ts";
import { runFields } from "./preprocessing.ts";

const CONFIG = "model/preprocessor_config.json";
const BACK_ENDS = ["processor_torchvision", "processor_pil"];

/** [height, width, channels] as [1, channels, height, width]. */
function channelsFirst(array: HostArray): HostArray {
  const [height, width, channels] = array.shape;
  const values = toNumbers(array);
  const cells = height * width;
  const moved = values.map((_, at) => values[(at % cells) * channels + Math.floor(at / cells)]);
  return fromNumbers(moved, [1, channels, height, width], "float32");
}

/** What the library's processor gives of patches: pixels, which of them are no padding, and rows and columns. */
function patchOutputs({ image, type, yidx, xidx }: Arrays): Arrays {
  const batch = (x: HostArray): HostArray => ({ ...x, shape: [1, ...x.shape] });
  const extent = (places: HostArray): number => Math.max(...toNumbers(places)) + 1;
  return {
    pixel_values: batch(image),
    pixel_attention_mask: batch(type),
    spatial_shapes: fromNumbers([extent(yidx), extent(xidx)], [1, 2], "int32"),
  };
}

/**
 * What the processor makes of `raw_image`. Its two back ends differ in how they round bytes that are resized; we round as
 * Pillow does, and the other's may differ by 1 of 255 in half a percent of the values.
 */
export async function computeProcessors(given: Case, engine: Engine): Promise<Computed> {
  const { raw_image: image } = given.inputs;
  const recorded = Object.keys(given.outputs).filter((name) => name.startsWith("processor_"));
  if (!image || recorded.length === 0) return { outputs: {} };
  const config = jsonFile(given, CONFIG);
  const text = describeProcessor(config);
  if (text === undefined) {
    throw new OcelliError("unsupported", `${CONFIG} describes no processor that is known.`);
  }
  const made = await runFields(engine, text, { image });
  const outputs = made.type ? patchOutputs(made) : { pixel_values: channelsFirst(made.image) };
  const { image_std: deviations } = config as { image_std: number[] };
  const step = 1 / 255 / Math.min(...deviations);
  const allowance = (name: string): Allowance | undefined => {
    if (!name.startsWith(BACK_ENDS[0]) || !name.endsWith("/pixel_values")) return undefined;
    const magnitude = toNumbers(given.outputs[name]).reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    return { rtol: 1e-4, atol: 1e-5, rounding: { rtol: (1.01 * step) / magnitude, share: 0.005 } };
  };
  return {
    outputs: Object.fromEntries(
      BACK_ENDS.flatMap((name) =>
        Object.entries(outputs).map(([key, array]) => [`${name}/${key}`, array] as const),
      ),
    ),
    allowance,
  };
}
