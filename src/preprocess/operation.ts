/** @file What the preprocessing language works on, and what an operation is. */

import type { Tensor } from "../graph/tensor.ts";
import type { HostArray } from "../graph/dtype.ts";
import type { AlphaRule } from "./alpha.ts";
import { preprocessingError } from "./error.ts";
import { type Example, type Fields, arrayAt } from "./example.ts";
import { type Box, type Image, checkBox, crop, imageOf, isImage } from "./image.ts";
import type { ArgumentsOf, Parameters } from "./parameters.ts";
import { byName, optional, text } from "./parameters.ts";
import type { Random } from "../random.ts";
import { type Move, type Step, moveFields, movesOf } from "./spatial.ts";

/** A batch on the device, as traced functions see it. */
export type DeviceFeatures = Readonly<Record<string, Tensor>>;

/** The part of an image that an operation looks at. */
export interface Region {
  readonly box: Box;
  /** What the box is scaled to, where it is scaled at once; it may then be decoded smaller, down to this size. */
  readonly size?: readonly [height: number, width: number];
  /** The result's size, where it is neither that of the box nor `size`. */
  readonly result?: readonly [height: number, width: number];
  /** What is cut out and scaled, one after the other. Default: the box, scaled to `size`. */
  readonly steps?: readonly Step[];
  /**
   * Makes the operation's result from the pixels in the box. Where these were decoded smaller they begin and end at whole
   * pixels, and `inside` says where the box lies among them. Where only a `window` of a scaled result is wanted, it alone
   * is made.
   */
  finish(part: Image, inside?: Box, window?: Box): Image;
}

/** An operation with its arguments bound. */
export interface Operation {
  /** What it needs of an image of a shape, for an operation on `image` that can say so before there are pixels. */
  readonly region?: (shape: Image["shape"], random: Random) => Region;
  /** Whether it stands for decoding the image; "fast" allows a smaller one. */
  readonly decodes?: "exact" | "fast";
  /** What becomes of an image's alpha, for an operation that stands for decoding. */
  readonly alpha?: AlphaRule;
  /** @param fields of what kind the example's fields are, so that those on an image move with it */
  readonly host: (example: Example, random: Random, fields?: Fields) => Example;
  /** The kinds of the fields after it, where it makes others. */
  readonly fields?: (fields: Fields) => Fields;
  /** The same on a batch; without it the operation runs on the host only. */
  readonly device?: (batch: DeviceFeatures) => DeviceFeatures;
}

/** An operation of the language. */
export interface OperationKind {
  readonly parameters: Parameters;
  /** Binds the arguments; refuses values that make no sense together. `name` is the operation's own. */
  bind(args: Readonly<Record<string, unknown>>, name: string): Operation;
}

/** An operation's definition. */
export interface OperationDefinition<Name extends string = string> extends OperationKind {
  readonly kind: "operation";
  /** Its name in the language. */
  readonly name: Name;
}

/**
 * Defines an operation; {@link imageOperation}, {@link regionOperation} and {@link operation} make what it is of.
 *
 * @example
 * export const posterize = defineOperation({
 *   name: "posterize",
 *   ...imageOperation({ bits: byDefault(whole(1, 8), 4) }, ({ bits }) => (image) => ({
 *     ...image,
 *     data: image.data.map((value: number) => value & (0xff << (8 - bits))),
 *   })),
 * });
 */
export const defineOperation = <Name extends string>(
  definition: Omit<OperationDefinition<Name>, "kind">,
): OperationDefinition<Name> => ({ kind: "operation", ...definition });

/** An operation of the language, with arguments typed by its parameters. */
export const operation = <P extends Parameters>(
  parameters: P,
  bind: (args: ArgumentsOf<P>, name: string) => Operation,
): OperationKind => ({ parameters, bind: (args, name) => bind(args as ArgumentsOf<P>, name) });

/** Where an operation on one array reads and writes; `key` stands for both. */
export const KEYS = {
  key: byName(optional(text)),
  inkey: byName(optional(text)),
  outkey: byName(optional(text)),
};

/** The array that an operation reads and the one that it writes. */
export function keysOf(args: ArgumentsOf<typeof KEYS>, fallback: string) {
  const { key, inkey, outkey } = args;
  if (key !== null && (inkey !== null || outkey !== null)) {
    throw preprocessingError("key stands for both inkey and outkey; give one or the other.");
  }
  return { from: key ?? inkey ?? fallback, to: key ?? outkey ?? fallback };
}

/** An operation on one image of an example, on the host. */
export const imageOperation = <P extends Parameters>(
  parameters: P,
  bind: (args: ArgumentsOf<P>) => (image: Image, random: Random) => HostArray,
): OperationKind => ({
  parameters: { ...parameters, ...KEYS },
  bind(args, name) {
    const { from, to } = keysOf(args as ArgumentsOf<typeof KEYS>, "image");
    const apply = bind(args as ArgumentsOf<P>);
    return {
      host: (example, random) => ({
        ...example,
        [to]: apply(imageOf(name, arrayAt(example, from, name)), random),
      }),
    };
  },
});

/** An image that an operation made, and how what lies on it moves. */
export interface Moved {
  readonly image: HostArray;
  readonly moves: readonly Move[];
}

/** An operation on one image of an example, on the host, that moves its pixels; what lies on `image` moves with it. */
export const movingOperation = <P extends Parameters>(
  parameters: P,
  bind: (args: ArgumentsOf<P>) => (image: Image, random: Random) => Moved,
): OperationKind => ({
  parameters: { ...parameters, ...KEYS },
  bind(args, name) {
    const { from, to } = keysOf(args as ArgumentsOf<typeof KEYS>, "image");
    const apply = bind(args as ArgumentsOf<P>);
    const isWhole = from === "image" && to === "image";
    return {
      host(example, random, fields = {}) {
        const { image, moves } = apply(imageOf(name, arrayAt(example, from, name)), random);
        return { ...(isWhole ? moveFields(example, fields, moves) : example), [to]: image };
      },
    };
  },
});

/** What a region cuts out and scales. */
export const stepsOf = ({ box, size, steps }: Region): readonly Step[] =>
  steps ?? [{ box, size: size ?? [box.height, box.width] }];

/**
 * An operation that looks only at a region of an image, and another behind it: of what the first makes, no more than the
 * second looks at. Random values are drawn in their order.
 */
export function chained(first: Operation, second: Operation): Operation | undefined {
  const [regionOf, nextOf] = [first.region, second.region];
  if (!regionOf || !nextOf) return undefined;
  const region = (shape: Image["shape"], random: Random): Region => {
    const before = regionOf(shape, random);
    const { box, size, result, finish } = before;
    const middle = [...(result ?? size ?? [box.height, box.width]), shape[2]] as const;
    const next = nextOf(middle, random);
    return {
      box,
      size,
      result: next.result ?? next.size ?? [next.box.height, next.box.width],
      steps: [...stepsOf(before), ...stepsOf(next)],
      finish(part, inside) {
        checkBox(middle, next.box);
        const takesWindow = size !== undefined && result === undefined;
        return next.finish(
          takesWindow ? finish(part, inside, next.box) : crop(finish(part, inside), next.box),
        );
      },
    };
  };
  const host = (example: Example, random: Random, fields: Fields = {}): Example => {
    const { image } = example;
    if (!isImage(image)) return second.host(first.host(example, random), random); // says so
    const looked = region(image.shape, random);
    const moved = moveFields(example, fields, movesOf(image.shape, stepsOf(looked)));
    return { ...moved, image: looked.finish(crop(image, looked.box)) };
  };
  return { region, host };
}

/** An operation on one image that looks only at a region of it. */
export const regionOperation = <P extends Parameters>(
  parameters: P,
  bind: (args: ArgumentsOf<P>) => (shape: Image["shape"], random: Random) => Region,
): OperationKind => ({
  parameters: { ...parameters, ...KEYS },
  bind(args, name) {
    const regionOf = bind(args as ArgumentsOf<P>);
    const whole = movingOperation(parameters, () => (image, random) => {
      const region = regionOf(image.shape, random);
      const moves = movesOf(image.shape, stepsOf(region));
      return { image: region.finish(crop(image, region.box)), moves };
    }).bind(args, name);
    const { from, to } = keysOf(args as ArgumentsOf<typeof KEYS>, "image");
    return from === "image" && to === "image" ? { ...whole, region: regionOf } : whole;
  },
});

/** The least and the most of something, in order. */
export function ordered(what: string, least: number, most: number): readonly [number, number] {
  if (least <= most) return [least, most];
  throw preprocessingError(`${what}_min ${least} is above ${what}_max ${most}.`);
}
