/** @file Recorded cases of another implementation: what went in, what came out, and how closely to agree. */

import { OcelliError } from "../errors.ts";
import { decodeUtf8 } from "../formats/bytes.ts";
import { type HostArray, fromNumbers, hostArray, sizeOf, toNumbers } from "../graph/index.ts";

/** Arrays by name. */
export type Arrays = Readonly<Record<string, HostArray>>;

/** Values of case.json. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json | undefined };

/** A recorded case. */
export interface Case {
  /** The content of case.json. */
  readonly description: JsonObject;
  readonly params: Arrays;
  readonly inputs: Arrays;
  readonly outputs: Arrays;
  /** By what follows `grads` in the file's name: "" for grads.npz, "_softmax" for grads_softmax.npz. */
  readonly grads: Readonly<Record<string, Arrays>>;
  /** Its other files' bytes by name, such as `model/config.json`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** The files of a case's folder, read. */
export interface CaseFiles {
  readonly description: JsonObject;
  readonly io: Arrays;
  readonly params: Arrays | undefined;
  readonly grads: Readonly<Record<string, Arrays>>;
  /** What else lies in the folder, by name. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** A case from its files: inputs in dtypes that programs take, parameters by formula where there is no file. */
export function makeCase({ description, io, params, grads, files = {} }: CaseFiles): Case {
  return {
    description,
    params: params ?? parametersByFormula(description),
    inputs: narrowed(under(io, "in/")),
    outputs: under(io, "out/"),
    grads,
    files,
  };
}

/** The arrays whose names begin with a prefix, without it. */
export const under = (arrays: Arrays, prefix: string): Arrays =>
  Object.fromEntries(
    Object.entries(arrays)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, array]) => [name.slice(prefix.length), array]),
  );

/** int64 as int32 and float64 as float32. */
function narrowed(arrays: Arrays): Arrays {
  const narrow = (array: HostArray): HostArray => {
    if (array.dtype === "int64") return fromNumbers(toNumbers(array), array.shape, "int32");
    if (array.dtype === "float64") return fromNumbers(toNumbers(array), array.shape, "float32");
    return array;
  };
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, narrow(array)]));
}

/** A value of its own: case.json has a key "constructor", which every object inherits. */
const own = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/** One of a case's inputs; an error where it is missing. */
export function inputOf<T>(inputs: Readonly<Record<string, T>>, name: string): T {
  if (Object.hasOwn(inputs, name)) return inputs[name];
  throw new OcelliError("format", `io.npz: the case has no in/${name}.`);
}

/** One of a case's other files; an error where it is missing. */
export function fileOf({ files }: Case, name: string): Uint8Array {
  if (Object.hasOwn(files, name)) return files[name];
  throw new OcelliError("format", `the case has no ${name}.`);
}

/** One of a case's other files as JSON. */
export const jsonFile = (given: Case, name: string): unknown =>
  JSON.parse(decodeUtf8(fileOf(given, name), name));

/** A list of texts of case.json under a key; undefined where it is missing. */
export function textsAt(description: JsonObject, key: string): readonly string[] | undefined {
  const value = own(description, key) ?? undefined;
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((text) => typeof text === "string")) return value;
  throw new OcelliError("format", `case.json: ${key} must be a list of texts.`);
}

/** An object of case.json under a key; empty where it is missing or null. */
export function objectAt(description: JsonObject, key: string): JsonObject {
  const value = own(description, key) ?? {};
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw new OcelliError("format", `case.json: ${key} must be an object.`);
}

/** A number of case.json under a key. */
export function numberAt(description: JsonObject, key: string): number | undefined {
  const value = own(description, key) ?? undefined;
  if (value === undefined || typeof value === "number") return value;
  throw new OcelliError("format", `case.json: ${key} must be a number.`);
}

/** Parameters too big to record: a hash of name, seed and index, scaled to a mean and a deviation. */
function parametersByFormula(description: JsonObject): Arrays {
  const { parameters } = objectAt(description, "parameters_by_formula");
  if (!parameters) return {};
  const seed = numberAt(description, "seed") ?? 0;
  return Object.fromEntries(
    Object.entries(parameters as JsonObject).map(([name, given]) => {
      const { shape, mean, std, crc32 } = given as {
        shape: number[];
        mean: number;
        std: number;
        crc32: number;
      };
      const data = new Float32Array(sizeOf(shape));
      for (let i = 0; i < data.length; i++) {
        data[i] = mean + std * Math.sqrt(12) * (mixBits(i + crc32 + seed) / 2 ** 32 - 0.5);
      }
      return [name, hostArray(shape, "float32", data)];
    }),
  );
}

/** The finaliser of MurmurHash3 over 32 bits. */
function mixBits(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** `num_classes` as `numClasses`. */
const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());

/** An object with its keys in camel case. */
export const camelKeys = (object: JsonObject): Record<string, Json | undefined> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [camelCase(key), value]));
