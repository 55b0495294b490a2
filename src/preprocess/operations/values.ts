/** @file Operations on the values of an image's channels; they run on the device where nothing after them is bound to the host. */

import {
  type Tensor,
  add,
  clip,
  constant,
  convert,
  div,
  fromNumbers,
  mul,
  sub,
} from "../../graph/index.ts";
import { OcelliError } from "../../errors.ts";
import { preprocessingError } from "../error.ts";
import { arrayAt } from "../example.ts";
import { type Image, imageOf, makeImage } from "../image.ts";
import { KEYS, type OperationKind, keysOf } from "../operation.ts";
import {
  type ArgumentsOf,
  type Parameters,
  byDefault,
  either,
  flag,
  listOf,
  number,
} from "../parameters.ts";
import { scaleInWasm } from "../wasm/points.ts";

/** x ↦ (x − shift) / divisor, then · scale + offset, then within bounds; shift and divisor may be by channel. */
interface Scaling {
  readonly shift: readonly number[];
  readonly divisor: readonly number[];
  readonly scale: number;
  readonly offset: number;
  readonly bounds?: readonly [number, number];
}

const { fround } = Math;

/** The scaling of one value, in float32. */
function scaleValue(x: number, channel: number, scaling: Scaling): number {
  const { shift, divisor, scale, offset, bounds } = scaling;
  const pick = (list: readonly number[]): number => fround(list[list.length === 1 ? 0 : channel]);
  const unit = fround(fround(x - pick(shift)) / pick(divisor));
  const moved = fround(fround(unit * fround(scale)) + fround(offset));
  return bounds ? Math.min(Math.max(moved, bounds[0]), bounds[1]) : moved;
}

function scaleImage(name: string, image: Image, scaling: Scaling): Image {
  const { data } = image;
  const channels = image.shape[2];
  checkChannels(name, channels, scaling);
  const scaled = data instanceof Uint8Array ? scaleInWasm(data, channels, scaling) : undefined;
  if (scaled) return makeImage(image.shape, scaled);
  const out = new Float32Array(data.length);
  if (image.dtype === "uint8") {
    const table = Float32Array.from({ length: 256 * channels }, (_, i) =>
      scaleValue(Math.floor(i / channels), i % channels, scaling),
    );
    for (let i = 0; i < data.length; i += channels) {
      for (let c = 0; c < channels; c++) out[i + c] = table[data[i + c] * channels + c];
    }
  } else for (let i = 0; i < data.length; i++) out[i] = scaleValue(data[i], i % channels, scaling);
  return makeImage(image.shape, out);
}

function scaleBatch(name: string, images: Tensor, scaling: Scaling): Tensor {
  checkChannels(name, images.shape[images.rank - 1], scaling);
  const byChannel = (list: readonly number[]) =>
    list.length === 1 ? list[0] : constant(fromNumbers(list, [list.length], "float32"));
  const unit = div(
    sub(convert(images, "float32"), byChannel(scaling.shift)),
    byChannel(scaling.divisor),
  );
  const moved = add(mul(unit, scaling.scale), scaling.offset);
  return scaling.bounds ? clip(moved, scaling.bounds[0], scaling.bounds[1]) : moved;
}

function checkChannels(name: string, channels: number, { shift, divisor }: Scaling): void {
  const wrong = [shift, divisor].find(({ length }) => length !== 1 && length !== channels);
  if (!wrong) return;
  throw new OcelliError(
    "data",
    `${name} has values for ${wrong.length} channels, but the image has ${channels}.`,
  );
}

/** An operation that scales an image, on the host and on the device. */
const scaling = <P extends Parameters>(
  parameters: P,
  bind: (args: ArgumentsOf<P>) => Scaling,
): OperationKind => ({
  parameters: { ...parameters, ...KEYS },
  bind(args, name) {
    const { from, to } = keysOf(args as ArgumentsOf<typeof KEYS>, "image");
    const how = bind(args as ArgumentsOf<P>);
    return {
      host: (example) => ({
        ...example,
        [to]: scaleImage(name, imageOf(name, arrayAt(example, from, name)), how),
      }),
      device: (batch) => ({ ...batch, [to]: scaleBatch(name, arrayAt(batch, from, name), how) }),
    };
  },
});

const numbers = either(number(), listOf(number()));
const asList = (value: number | readonly number[]): readonly number[] =>
  typeof value === "number" ? [value] : value;

const in255 = (values: readonly number[]): number[] => values.map((value) => value * 255);
const VGG_MEAN = in255([0.485, 0.456, 0.406]);
const VGG_STD = in255([0.229, 0.224, 0.225]);
const CLIP_MEAN = in255([0.48145466, 0.4578275, 0.40821073]);
const CLIP_STD = in255([0.26862954, 0.26130258, 0.27577711]);

/** Operations on the values of channels: they give float32. */
export const values: Readonly<Record<string, OperationKind>> = {
  /** Maps [in_min, in_max] of the image, numbers or one for each channel, to [vmin, vmax]. */
  value_range: scaling(
    {
      vmin: byDefault(number(), -1),
      vmax: byDefault(number(), 1),
      in_min: byDefault(numbers, 0),
      in_max: byDefault(numbers, 255),
      clip_values: byDefault(flag, false),
    },
    ({ vmin, vmax, in_min: least, in_max: most, clip_values: clipped }) => {
      const [low, high] = [asList(least), asList(most)];
      const at = (list: readonly number[], i: number): number => list[list.length === 1 ? 0 : i];
      const divisor = Array.from(
        { length: Math.max(low.length, high.length) },
        (_, i) => at(high, i) - at(low, i),
      );
      if (divisor.includes(0))
        throw preprocessingError("value_range: in_min and in_max are equal.");
      const bounds = clipped ? ([vmin, vmax] as const) : undefined;
      return { shift: low, divisor, scale: vmax - vmin, offset: vmin, bounds };
    },
  ),
  /** Subtracts a mean and divides by a deviation. Default: those of ImageNet. */
  vgg_value_range: scaling(
    { mean: byDefault(numbers, VGG_MEAN), std: byDefault(numbers, VGG_STD) },
    ({ mean, std }) => {
      const divisor = asList(std);
      if (divisor.includes(0)) throw preprocessingError("vgg_value_range: std is 0.");
      return { shift: asList(mean), divisor, scale: 1, offset: 0 };
    },
  ),
  /** Subtracts CLIP's mean and divides by its deviation. */
  clip_value_range: scaling({}, () => ({
    shift: CLIP_MEAN,
    divisor: CLIP_STD,
    scale: 1,
    offset: 0,
  })),
};
