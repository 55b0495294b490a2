/**
 * @file The preprocessing language: `decode|inception_crop(224)|flip_lr|value_range(-1, 1)` is a list of operations on
 * an example.
 *
 * The operations at the end that know the device, such as `value_range`, are traced into the program that reads the
 * batch; all before them work on one example on the host.
 * @see https://github.com/google-research/big_vision (the language and its names)
 */

import type { HostArray } from "../graph/dtype.ts";
import { type AlphaRule, COLOURS } from "./alpha.ts";
import type { Box, Image } from "./image.ts";
import type { Example, Fields } from "./example.ts";
import { type DeviceFeatures, type Operation, type Region, chained, stepsOf } from "./operation.ts";
import { operationDefinition } from "./operations.ts";
import { readArguments } from "./parameters.ts";
import { type Call, parseCalls, printCall } from "./parse.ts";
import type { Random } from "../random.ts";
import { giveBack } from "./spare.ts";
import { moveFields, movesOf } from "./spatial.ts";

/** What a preprocessing needs of an image that is still to be decoded. */
export interface Wanted {
  /** The part of the image. */
  readonly box: Box;
  /** How many times smaller the image may be decoded: 1, 2, 4 or 8; its part is then as much smaller. */
  readonly shrink: number;
  /** The host operations, given the part; nothing of its memory is in the result. */
  finish(example: Example, part: Image, fields?: Fields): Example;
}

/** A parsed preprocessing. */
export interface Preprocessing {
  /** The text in canonical form; parsing it again gives the same operations. */
  readonly text: string;
  /** What becomes of an image's alpha where it is decoded; black behind it without an operation that says so. */
  readonly alpha: AlphaRule;
  /** Whether it begins by decoding the image to three colours. */
  readonly decodesColours: boolean;
  /**
   * Host operations on one example; `random` decides random ones. Maps, boxes and points, by the kinds of `fields`,
   * move with the image that they lie on.
   */
  onHost(example: Example, random: Random, fields?: Fields): Example;
  /** What the host operations need of an undecoded `image` of a shape; all of it where they cannot say. */
  want(shape: Image["shape"], random: Random): Wanted;
  /** What is done to a prepared example last, in the thread that makes batches, such as reading texts. Default: nothing. */
  readonly last?: (example: Example, random: Random) => Example;
  /** How many operations run on the host. */
  readonly hostOperations: number;
  /** Device operations on a batch. */
  onDevice(batch: DeviceFeatures): DeviceFeatures;
}

/**
 * Parses a preprocessing.
 *
 * @example
 * parsePreprocessing("resize(28) | grayscale | value_range(-1, 1)").text; // "resize(28)|grayscale|value_range(-1,1)"
 */
export function parsePreprocessing(text: string): Preprocessing {
  const calls = parseCalls(text).map((call) => withBackground(call, "white"));
  const bound = calls.map(bindCall);
  const begin = bound.findLastIndex(({ device }) => !device) + 1;
  const host = chainRegions(bound.slice(0, begin));
  const device = bound.slice(begin);
  return {
    text: printCalls(calls),
    alpha: bound.find(({ alpha }) => alpha !== undefined)?.alpha ?? COLOURS.black,
    decodesColours: bound[0]?.decodes !== undefined,
    onHost: (example, random, fields) => runOnHost(host, example, random, { fields }),
    want: (shape, random) => wanted(host, shape, random),
    hostOperations: begin,
    onDevice: (batch) => device.reduce((features, operation) => operation.device!(features), batch),
  };
}

/** An operation as programs in other languages read it. */
export interface DescribedOperation {
  readonly name: string;
  /** Every parameter by name, defaults too, but those that are null. */
  readonly arguments: Readonly<Record<string, unknown>>;
}

/**
 * The operations of a text one by one, with their defaults.
 *
 * @example
 * describeOperations("resize(28)"); // [{ name: "resize", arguments: { size: [28, 28], method: "bilinear", antialias: false } }]
 */
export function describeOperations(text: string): DescribedOperation[] {
  return parseCalls(text).map((call) => {
    const given = readArguments(call, operationDefinition(call.name).parameters);
    const said = Object.entries(given).filter(([, value]) => value !== null);
    return { name: call.name, arguments: Object.fromEntries(said) };
  });
}

const printCalls = (calls: readonly Call[]): string => calls.map(printCall).join("|");

/** A call that names the background of transparent images, where it decodes and says nothing of them. */
function withBackground(call: Call, background: keyof typeof COLOURS): Call {
  const decodes = call.name === "decode" || call.name === "fast_decode";
  const says = call.args.some(({ name }) => name === "background" || name === "alpha");
  return decodes && !says
    ? { ...call, args: [...call.args, { name: "background", value: background }] }
    : call;
}

/**
 * A text that was stored before backgrounds were named, with the one that there was: black. One that names it stays.
 *
 * @example
 * namedBlack("decode|resize(28)"); // 'decode(background="black")|resize(28)'
 */
export function namedBlack(text: string): string {
  try {
    return printCalls(parseCalls(text).map((call) => withBackground(call, "black")));
  } catch {
    return text; // whoever parses it says what is wrong
  }
}

/** Operations with those that look at regions joined to the ones behind them, so that nothing is made to be cut off. */
const chainRegions = (operations: readonly Operation[]): Operation[] =>
  operations.reduce<Operation[]>((before, operation) => {
    const last = before.at(-1);
    const both = last && chained(last, operation);
    return both ? [...before.slice(0, -1), both] : [...before, operation];
  }, []);

/** Runs operations one after the other; memory of what lies between `kept` and the result is used again. */
function runOnHost(
  operations: readonly Operation[],
  example: Example,
  random: Random,
  { fields = {}, kept = example }: { readonly fields?: Fields; readonly kept?: Example } = {},
): Example {
  let kinds = fields;
  return operations.reduce((before, operation) => {
    const after = operation.host(before, random, kinds);
    kinds = operation.fields?.(kinds) ?? kinds;
    giveBackUnused(before, kept, after);
    return after;
  }, example);
}

/** Gives the memory of arrays back that are in none of the examples still needed. */
function giveBackUnused(before: Example, ...needed: readonly Example[]): void {
  const used = new Set(needed.flatMap((example) => Object.values(example).map(bufferOf)));
  for (const array of Object.values(before)) {
    if (!used.has(bufferOf(array))) giveBack(bufferOf(array));
  }
}

/** An example with copies of the arrays that share an image's memory. */
const without = (image: Image, example: Example): Example =>
  Object.fromEntries(
    Object.entries(example).map(([name, array]) => {
      const shared = bufferOf(array) === bufferOf(image);
      return [name, shared ? { ...array, data: array.data.slice() } : array];
    }),
  );

const bufferOf = ({ data }: HostArray): ArrayBufferLike => data.buffer;

function wanted(host: readonly Operation[], shape: Image["shape"], random: Random): Wanted {
  const [decode, second] = host;
  const region = decode?.decodes && second?.region?.(shape, random);
  if (!region) {
    return {
      box: { y: 0, x: 0, height: shape[0], width: shape[1] },
      shrink: 1,
      finish(example, part, fields) {
        const begun = { ...example, image: part };
        return without(part, runOnHost(host, begun, random, { fields }));
      },
    };
  }
  const shrink = decode.decodes === "fast" ? largestShrink(region) : 1;
  return {
    box: region.box,
    shrink,
    finish(example, part, fields = {}) {
      const isSmaller = part.shape[0] < region.box.height; // other files than JPEG are not
      const image = region.finish(part, isSmaller ? insideOf(region.box, shrink) : undefined);
      const begun = { ...moveFields(example, fields, movesOf(shape, stepsOf(region))), image };
      const kept = { ...example, part };
      return without(part, runOnHost(host.slice(2), begun, random, { fields, kept }));
    },
  };
}

/** Where a box lies in the part that was decoded for it, which begins at a whole pixel. */
function insideOf({ y, x, height, width }: Box, shrink: number): Box {
  const inside = { y: (y % shrink) / shrink, x: (x % shrink) / shrink };
  return { ...inside, height: height / shrink, width: width / shrink };
}

/** The smallest decoding that still has the pixels that the result needs. */
function largestShrink({ box, size }: Region): number {
  if (!size) return 1;
  const enough = (shrink: number): boolean =>
    box.height >= size[0] * shrink && box.width >= size[1] * shrink;
  return [8, 4, 2].find(enough) ?? 1;
}

function bindCall(call: Call) {
  const { parameters, bind } = operationDefinition(call.name);
  return bind(readArguments(call, parameters), call.name);
}
