/**
 * @file A checkpoint out of an ONNX file that `ocelli export` wrote: it holds the arrays under their names, and the card.
 * Arrays of one value only, such as biases that are zero, are folded into the graph: the metadata say which and what value.
 */

import { formatError, checkedSize } from "../formats/bytes.ts";
import { Budget, checkName, parseJson, unpackLimit } from "../formats/budget.ts";
import { decodeModel } from "../formats/onnx-decode.ts";
import { decodeWeights } from "../formats/onnx-weights.ts";
import { type HostArray, hostArray } from "../graph/dtype.ts";
import { fromFlat } from "../tree.ts";
import { type Checkpoint, readCheckpoint } from "./checkpoint.ts";
import { cardFromTexts, checkLayers } from "./model-card.ts";

/** What begins the JSON of a safetensors file, behind eight bytes of its length. */
const BRACE = 0x7b;

/** An array of one value: its shape, and the value. */
type Uniform = readonly [shape: readonly number[], value: number];

/** Metadata of the float32 arrays of one value that a graph does not hold under their names. */
export function uniformTexts(
  arrays: Readonly<Record<string, HostArray>>,
  held: object,
): Record<string, string> {
  const entries = Object.entries(arrays).flatMap(([name, { dtype, shape, data }]) => {
    const values = data as Float32Array;
    const isUniform = dtype === "float32" && Number.isFinite(values[0]);
    if (Object.hasOwn(held, name) || !isUniform) return [];
    return values.every((value) => value === values[0])
      ? [[name, [shape, values[0]]] as const]
      : [];
  });
  return entries.length > 0 ? { uniform: JSON.stringify(Object.fromEntries(entries)) } : {};
}

/**
 * A checkpoint from the bytes of a checkpoint's file or of an exported ONNX model of float32 weights.
 *
 * @param what names the file in errors
 * @throws a format error for a file that is neither, or whose weights were rounded
 */
export const readModelFile = (bytes: Uint8Array, what: string): Checkpoint =>
  bytes[8] === BRACE ? readCheckpoint(bytes, what) : readOnnxCheckpoint(bytes, what);

function readOnnxCheckpoint(bytes: Uint8Array, what: string): Checkpoint {
  const { metadata } = decodeModel(bytes);
  const card = cardFromTexts(metadata, what);
  if (!card) throw formatError(`${what} is not an ONNX file that ocelli export wrote.`);
  const weights = decodeWeights(bytes);
  if (Object.keys(weights).some((name) => name.endsWith(":float16"))) {
    throw formatError(`${what} holds half floats; take the file of float32 weights, model.onnx.`);
  }
  const arrays = { ...weights, ...readUniform(metadata.uniform ?? "{}", bytes.length, what) };
  const own = Object.keys(arrays).filter((name) => /^(params|variables)\//.test(name));
  checkLayers(card, own.length, what);
  const tree = fromFlat(Object.fromEntries(own.map((name) => [name, arrays[name]])));
  return { card, params: tree.params ?? {}, variables: tree.variables ?? {} };
}

function readUniform(text: string, size: number, what: string): Record<string, HostArray> {
  const budget = new Budget(what, { bytes: unpackLimit(size) });
  const entries = Object.entries(parseJson(text, what) as Readonly<Record<string, unknown>>);
  return Object.fromEntries(
    entries.map(([name, entry]) => {
      checkName(name, what);
      if (!isUniformEntry(entry)) throw formatError(`${what}: its uniform "${name}" is damaged.`);
      const [shape, value] = entry;
      const count = checkedSize(shape, what);
      budget.takeBytes(4 * count);
      return [name, hostArray(shape, "float32", new Float32Array(count).fill(value))];
    }),
  );
}

const isUniformEntry = (entry: unknown): entry is Uniform =>
  Array.isArray(entry) &&
  entry.length === 2 &&
  Array.isArray(entry[0]) &&
  entry[0].every((extent) => Number.isSafeInteger(extent) && Number(extent) >= 0) &&
  typeof entry[1] === "number";
