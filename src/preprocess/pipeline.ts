/**
 * @file The preprocessing language: `decode|inception_crop(224)|flip_lr|value_range(-1, 1)` is a list of operations on
 * an example.
 *
 * The operations at the end that know the device, such as `value_range`, are traced into the program that reads the
 * batch; all before them work on one example on the host.
 * @see https://github.com/google-research/big_vision (the language and its names)
 */

import { unknownName } from "../errors.ts";
import type { DeviceFeatures, Features } from "./operation.ts";
import { operations } from "./operations.ts";
import { readArguments } from "./parameters.ts";
import { type Call, parseCalls, printCall } from "./parse.ts";
import type { Random } from "./random.ts";

/** A parsed preprocessing. */
export interface Preprocessing {
  /** The text in canonical form; parsing it again gives the same operations. */
  readonly text: string;
  /** Host operations on one example; `random` decides random ones. */
  onHost(example: Features, random: Random): Features;
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
  const calls = parseCalls(text);
  const bound = calls.map(bindCall);
  const begin = bound.findLastIndex(({ device }) => !device) + 1;
  const host = bound.slice(0, begin);
  const device = bound.slice(begin);
  return {
    text: calls.map(printCall).join("|"),
    onHost: (example, random) =>
      host.reduce((features, operation) => operation.host(features, random), example),
    onDevice: (batch) => device.reduce((features, operation) => operation.device!(features), batch),
  };
}

function bindCall(call: Call) {
  if (!Object.hasOwn(operations, call.name)) {
    const names = Object.keys(operations);
    throw unknownName("preprocessing operation", call.name, names, "config");
  }
  const kind = operations[call.name];
  return kind.bind(readArguments(call, kind.parameters), call.name);
}
