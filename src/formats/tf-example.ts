/**
 * @file TensorFlow's Example message: lists of bytes, floats or integers by name.
 * @see https://www.tensorflow.org/tutorials/load_data/tfrecord#tftrainexample
 */

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { Budget, LIMITS } from "./budget.ts";
import { formatError, guard } from "./bytes.ts";
import { messageFields } from "./protobuf-fields.ts";
import { ProtobufWriter } from "./protobuf.ts";

/** The values under one name; bytes are views. */
export type ExampleFeature = readonly Uint8Array[] | readonly number[];

const WHAT = "tf.Example";

/**
 * The features of an Example by name; those not among `names` are skipped unread.
 *
 * @throws a format error where the bytes are no Example, an integer is beyond 2^53, or a feature has more than 65,536
 *   values
 */
export function readExample(
  bytes: Uint8Array,
  names?: ReadonlySet<string>,
): Map<string, ExampleFeature> {
  return guard(WHAT, () => {
    const found = new Map<string, ExampleFeature>();
    for (const features of nested(bytes, 1)) {
      for (const entry of nested(features, 1)) {
        const [key] = nested(entry, 1);
        const name = key ? new TextDecoder("utf-8", { fatal: true }).decode(key) : "";
        if (names && !names.has(name)) continue;
        const [feature] = nested(entry, 2);
        found.set(name, feature ? readFeature(feature, name) : []);
      }
    }
    return found;
  });
}

/** The fields of a message that have a number and hold bytes, texts or messages; views. */
function* nested(bytes: Uint8Array, field: number): Generator<Uint8Array> {
  for (const { field: number, bytes: value } of messageFields(bytes)) {
    if (number === field && value) yield value;
  }
}

function readFeature(bytes: Uint8Array, name: string): ExampleFeature {
  const budget = new Budget(`${WHAT}, "${name.slice(0, 40)}"`, { items: LIMITS.values });
  const [texts] = nested(bytes, 1);
  if (texts) {
    const values: Uint8Array[] = [];
    for (const value of nested(texts, 1)) {
      budget.takeItems(1);
      values.push(value);
    }
    return values;
  }
  const [floats] = nested(bytes, 2);
  if (floats) return numbers(floats, WireType.Bit32, (reader) => reader.float(), budget);
  const [integers] = nested(bytes, 3);
  return integers ? numbers(integers, WireType.Varint, readInteger, budget) : [];
}

/** The numbers in field 1, packed or one by one. */
function numbers(
  bytes: Uint8Array,
  single: WireType,
  read: (reader: BinaryReader) => number,
  budget: Budget,
): number[] {
  const values: number[] = [];
  const add = (from: BinaryReader): void => {
    budget.takeItems(1);
    values.push(read(from));
  };
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === single) add(reader);
    else if (field === 1 && type === WireType.LengthDelimited) {
      const packed = new BinaryReader(reader.bytes());
      while (packed.pos < packed.len) add(packed);
    } else reader.skip(type, field);
  }
  return values;
}

function readInteger(reader: BinaryReader): number {
  const value = Number(reader.int64());
  if (!Number.isSafeInteger(value)) throw formatError(`${WHAT}: ${value} is beyond 2^53.`);
  return value;
}

/**
 * An Example's bytes: each feature is a list of bytes, or of whole numbers.
 *
 * @example
 * const payload = writeExample({ "image/encoded": [jpeg], "image/class/label": [3] });
 */
export function writeExample(
  features: Readonly<Record<string, readonly Uint8Array[] | readonly number[]>>,
): Uint8Array<ArrayBuffer> {
  const writer = new ProtobufWriter();
  writer.message(1, () => {
    for (const [name, values] of Object.entries(features).reverse()) {
      writer.message(1, () => {
        writer.message(2, () => writeFeature(writer, values));
        writer.string(1, name);
      });
    }
  });
  return writer.finish();
}

function writeFeature(writer: ProtobufWriter, values: ExampleFeature): void {
  const isBytes = values.length > 0 && typeof values[0] === "object";
  writer.message(isBytes ? 1 : 3, () => {
    for (const value of [...values].reverse()) {
      if (typeof value === "number") writer.int(1, value);
      else writer.bytes(1, value);
    }
  });
}
