/**
 * @file The npy format, versions 1 to 3.
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */

import { OcelliError } from "../errors.ts";
import { typedArray } from "../graph/dtype.ts";
import type { DType, HostArray, Shape, TypedArray } from "../graph/dtype.ts";
import { arrayFromBytes, bytesOf, concatBytes, decodeUtf8, formatError } from "./bytes.ts";
import { guard, viewOf } from "./bytes.ts";
import type { StoredType } from "./bytes.ts";

const MAGIC = "\x93NUMPY";
/** Headers of our types are a hundred bytes long. */
const MAX_HEADER = 1 << 20;

/** NumPy's type codes without byte order; V2 is how NumPy stores a bfloat16 it does not know. */
const FROM_CODE: Readonly<Record<string, StoredType>> = {
  f8: "float64",
  f4: "float32",
  f2: "float16",
  V2: "bfloat16",
  b1: "bool",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
};

const TO_CODE: Readonly<Record<DType, string>> = {
  float32: "<f4",
  bfloat16: "|V2",
  float16: "<f2",
  float64: "<f8",
  int32: "<i4",
  uint32: "<u4",
  uint8: "|u1",
  bool: "|b1",
  int64: "<i8",
};

/**
 * The array of an npy file, row-major: a view of the bytes where they are aligned, little-endian and in C order.
 * Void16 reads as bfloat16, narrow integers as int32; other types (text, complex, objects) are unsupported.
 */
export function readNpy(bytes: Uint8Array, what = "npy file"): HostArray {
  const { type, bigEndian, fortranOrder, shape, start } = guard(what, () =>
    readHeader(bytes, what),
  );
  const content = bytes.subarray(start);
  if (!fortranOrder || shape.length < 2) {
    return arrayFromBytes(content, shape, type, what, { bigEndian });
  }
  const columns = arrayFromBytes(content, [...shape].reverse(), type, what, { bigEndian });
  return { shape, dtype: columns.dtype, data: toRowMajor(columns, shape) };
}

/** An npy file (version 1 where its header fits, else 2) of an array; bfloat16 is stored as void16. */
export function writeNpy(array: HostArray): Uint8Array {
  const content = bytesOf(array);
  const shape = `(${array.shape.join(", ")}${array.shape.length === 1 ? "," : ""})`;
  const text = `{'descr': '${TO_CODE[array.dtype]}', 'fortran_order': False, 'shape': ${shape}, }`;
  const version = text.length > 0xff00 ? 2 : 1;
  const prefix = MAGIC.length + 2 + (version === 1 ? 2 : 4);
  const start = Math.ceil((prefix + text.length + 1) / 64) * 64;
  const header = new Uint8Array(start).fill(0x20); // padded with spaces, as NumPy does
  for (let i = 0; i < MAGIC.length; i++) header[i] = MAGIC.charCodeAt(i);
  header[6] = version;
  header[7] = 0;
  const view = viewOf(header);
  if (version === 1) view.setUint16(8, start - prefix, true);
  else view.setUint32(8, start - prefix, true);
  header.set(new TextEncoder().encode(text), prefix);
  header[start - 1] = 0x0a;
  return concatBytes([header, content]);
}

function readHeader(bytes: Uint8Array, what: string) {
  const view = viewOf(bytes);
  for (let i = 0; i < MAGIC.length; i++) {
    if (view.getUint8(i) !== MAGIC.charCodeAt(i)) throw formatError(`${what} is not an npy file.`);
  }
  const version = view.getUint8(6);
  if (version < 1 || version > 3) {
    throw new OcelliError("unsupported", `${what}: npy version ${version} is unknown.`, {
      valid: ["1", "2", "3"],
    });
  }
  const prefix = version === 1 ? 10 : 12;
  const start = prefix + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > bytes.length) throw formatError(`${what} is truncated in its header.`);
  if (start > MAX_HEADER) throw formatError(`${what}: a header of ${start} bytes is impossible.`);
  const text = decodeUtf8(bytes.subarray(prefix, start), `${what}, its header`);
  return { ...parseHeader(text, what), start };
}

/** The fields of the header, a Python dictionary such as `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`. */
function parseHeader(text: string, what: string) {
  const descr = /'descr': *'([^']*)'/.exec(text)?.[1];
  const fortranOrder = /'fortran_order': *(True|False)/.exec(text)?.[1];
  const extents = /'shape': *\(([\d, L]*)\)/.exec(text)?.[1];
  if (/'descr': *[[(]/.test(text)) {
    throw new OcelliError("unsupported", `${what}: records are not supported.`);
  }
  if (descr === undefined || fortranOrder === undefined || extents === undefined) {
    throw formatError(`${what}: the npy header is damaged.`);
  }
  const code = descr.replace(/^[<>=|]/, "");
  if (!Object.hasOwn(FROM_CODE, code)) {
    throw new OcelliError("unsupported", `${what}: the npy type "${descr}" is not supported.`, {
      given: descr,
      valid: Object.keys(FROM_CODE),
    });
  }
  const shape = extents
    .split(",")
    .filter((extent) => extent.trim() !== "")
    .map((extent) => Number(extent.replace(/L$/, "").trim())); // Python 2 wrote 3L
  return {
    type: FROM_CODE[code],
    bigEndian: descr.startsWith(">"),
    fortranOrder: fortranOrder === "True",
    shape: shape as Shape,
  };
}

/** Elements stored first axis fastest, in row-major order of `shape`. */
function toRowMajor({ dtype, data }: HostArray, shape: Shape): TypedArray {
  const out = typedArray(dtype, data.length);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}
