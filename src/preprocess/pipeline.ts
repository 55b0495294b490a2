/**
 * @file The preprocessing language: `random_shift(2)|value_range(-1, 1)` is a list of operations on an example.
 *
 * Host operations come first and work on one example; device operations follow and are traced into the program
 * that reads the batch.
 * @see https://github.com/google-research/big_vision (the language and its names)
 */

import { unknownName } from "../errors.ts";
import { preprocessingError } from "./operation.ts";
import type { DeviceFeatures, Features, OperationKind } from "./operation.ts";
import { operations } from "./operations.ts";
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

const CALL = /^\s*([a-z_][a-z0-9_]*)\s*(?:\(([^()]*)\))?\s*$/;

/**
 * Parses a preprocessing.
 *
 * @example
 * parsePreprocessing("resize(28)|grayscale|value_range(-1, 1)").text; // "resize(28)|grayscale|value_range(-1,1)"
 */
export function parsePreprocessing(text: string): Preprocessing {
  const calls = text.trim() === "" ? [] : text.split("|").map(parseCall);
  const bound = calls.map(({ kind, args }) => kind.bind(args));
  const firstDevice = bound.findIndex((operation) => "device" in operation);
  const late = bound.findIndex(
    (operation, i) => firstDevice >= 0 && i > firstDevice && "host" in operation,
  );
  if (late >= 0) {
    throw preprocessingError(
      `${calls[late].text} works on single examples and cannot come after ${calls[firstDevice].text}, which works on the device.`,
    );
  }
  const host = bound.flatMap((operation) => ("host" in operation ? [operation.host] : []));
  const device = bound.flatMap((operation) => ("device" in operation ? [operation.device] : []));
  return {
    text: calls.map((call) => call.text).join("|"),
    onHost: (example, random) => host.reduce((features, apply) => apply(features, random), example),
    onDevice: (batch) => device.reduce((features, apply) => apply(features), batch),
  };
}

function parseCall(text: string) {
  const match = CALL.exec(text);
  if (!match) throw preprocessingError(`"${text.trim()}" is not an operation such as resize(28).`);
  const [, name, list = ""] = match;
  if (!Object.hasOwn(operations, name)) {
    throw unknownName("preprocessing operation", name, Object.keys(operations), "config");
  }
  const kind = operations[name];
  const args = bindArguments(name, kind, list.trim() === "" ? [] : list.split(","));
  const given = Object.keys(kind.parameters).map((parameter) => args[parameter]);
  const shown = list.trim() === "" ? name : `${name}(${given.slice(0, list.split(",").length)})`;
  return { kind, args, text: shown };
}

function bindArguments(
  name: string,
  { parameters }: OperationKind,
  values: readonly string[],
): Record<string, number> {
  const names = Object.keys(parameters);
  const signature = `${name}(${names.join(", ")})`;
  if (values.length > names.length) {
    throw preprocessingError(`${signature} takes ${names.length} arguments, not ${values.length}.`);
  }
  return Object.fromEntries(
    names.map((parameter, i) => {
      if (i >= values.length) {
        const value = parameters[parameter];
        if (value === undefined) throw preprocessingError(`${signature} needs ${parameter}.`);
        return [parameter, value];
      }
      const value = Number(values[i]);
      if (values[i].trim() === "" || !Number.isFinite(value)) {
        throw preprocessingError(
          `${signature}: ${parameter} is not a number: "${values[i].trim()}".`,
        );
      }
      return [parameter, value];
    }),
  );
}
