/**
 * @file ONNX models written as protobuf bytes, large initializers beside them where asked.
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { bytesOf } from "./bytes.ts";
import { ONNX_DTYPES } from "./onnx.ts";
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxValueInfo } from "./onnx.ts";
import { checkInteger, ProtobufWriter } from "./protobuf.ts";

/** How large initializers leave the model's bytes. */
export interface OnnxEncoding {
  /** Initializers of the main graph of at least this many bytes go to an external file. Default: none. */
  readonly externalThreshold?: number;
  /** The external file's name, relative to the model's. Default: "model.onnx.data". */
  readonly externalLocation?: string;
}

/** What belongs into the file beside a model. */
export interface OnnxExternalData {
  readonly location: string;
  /** Bytes of the whole file; gaps between blobs are zeros. */
  readonly byteLength: number;
  /** Views of the initializers' data at their byte offsets, in ascending order. */
  readonly blobs: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** The parts of the file beside a model, in order. */
export function externalChunks({ blobs }: OnnxExternalData): Uint8Array[] {
  let at = 0;
  return blobs.flatMap(({ offset, bytes }) => {
    const gap = new Uint8Array(offset - at);
    at = offset + bytes.length;
    return [gap, bytes];
  });
}

/** A model's bytes, and its external data where it has any. */
export interface EncodedOnnx {
  readonly model: Uint8Array<ArrayBuffer>;
  readonly external?: OnnxExternalData;
}

/** Protobuf's limit, in bytes. */
const MAX_MODEL = 2 ** 31 - 1;
/** External tensors begin at page boundaries, so that a reader may map them. */
const PAGE = 4096;

/** Where an initializer lies in the external file. */
type Placement = ReadonlyMap<string, { readonly offset: number; readonly bytes: Uint8Array }>;

/**
 * The bytes of a model (ModelProto). Large initializers are copied once, or not at all with `externalThreshold`. A
 * model above 2 GB is unsupported without it.
 */
export function encodeModel(model: OnnxModel, encoding: OnnxEncoding = {}): EncodedOnnx {
  const { externalThreshold = Infinity, externalLocation = "model.onnx.data" } = encoding;
  const placement = placeExternal(model.graph, externalThreshold);
  const writer = new ProtobufWriter();
  for (const [key, value] of Object.entries(model.metadata ?? {}).reverse()) {
    writePair(writer, 14, key, value);
  }
  for (const [domain, version] of Object.entries(model.opsetImports).reverse()) {
    writer.message(8, () => {
      writeInteger(writer, 2, version, `opset "${domain}"`);
      writer.string(1, domain);
    });
  }
  writer.message(7, () => writeGraph(writer, model.graph, placement, externalLocation));
  writer.string(2, model.producer ?? "ocelli");
  writeInteger(writer, 1, model.irVersion, "irVersion");
  if (writer.length > MAX_MODEL) {
    throw new OcelliError(
      "unsupported",
      `the model takes ${writer.length} bytes; ONNX ends at 2 GB.`,
      {
        hint: "Set externalThreshold, so that large initializers go to a file beside it.",
      },
    );
  }
  const blobs = [...placement.values()];
  const last = blobs.at(-1);
  if (!last) return { model: writer.finish() };
  const byteLength = last.offset + last.bytes.length;
  return { model: writer.finish(), external: { location: externalLocation, byteLength, blobs } };
}

function placeExternal({ initializers = {} }: OnnxGraph, threshold: number): Placement {
  const placement = new Map<string, { offset: number; bytes: Uint8Array }>();
  let offset = 0;
  for (const [name, array] of Object.entries(initializers)) {
    if (array.data.byteLength < threshold) continue;
    placement.set(name, { offset, bytes: bytesOf(array) });
    offset = Math.ceil((offset + array.data.byteLength) / PAGE) * PAGE;
  }
  return placement;
}

// Below, fields and lists are written last one first: see protobuf.ts.

/** Calls `write` for every item, the last one first. */
function backwards<T>(items: readonly T[], write: (item: T) => void): void {
  for (let i = items.length - 1; i >= 0; i--) write(items[i]);
}

function writeInteger(writer: ProtobufWriter, field: number, value: number | bigint, what: string) {
  checkInteger(value, what);
  writer.int(field, value);
}

function writePair(writer: ProtobufWriter, field: number, key: string, value: string): void {
  writer.message(field, () => {
    writer.string(2, value);
    writer.string(1, key);
  });
}

function writeGraph(
  writer: ProtobufWriter,
  graph: OnnxGraph,
  placement: Placement,
  location: string,
) {
  backwards(graph.values ?? [], (value) => writeValueInfo(writer, 13, value));
  backwards(graph.outputs, (value) => writeValueInfo(writer, 12, value));
  backwards(graph.inputs, (value) => writeValueInfo(writer, 11, value));
  backwards(Object.entries(graph.initializers ?? {}), ([name, array]) =>
    writer.message(5, () => {
      const place = placement.get(name);
      if (place) {
        writer.int(14, 1);
        writePair(writer, 13, "length", String(place.bytes.length));
        writePair(writer, 13, "offset", String(place.offset));
        writePair(writer, 13, "location", location);
      }
      writeTensor(writer, name, array, place === undefined);
    }),
  );
  writer.string(2, graph.name);
  backwards(graph.nodes, (node) => writer.message(1, () => writeNode(writer, node)));
}

function writeValueInfo(writer: ProtobufWriter, field: number, value: OnnxValueInfo): void {
  const { name, dtype, shape } = value;
  const writeDimension = (extent: number | string) =>
    writer.message(1, () => {
      if (typeof extent === "string") writer.string(2, extent);
      else writeInteger(writer, 1, extent, `an extent of "${name}"`);
    });
  const writeTensorType = () => {
    if (shape) writer.message(2, () => backwards(shape, writeDimension));
    writer.int(1, ONNX_DTYPES[dtype]);
  };
  writer.message(field, () => {
    writer.message(2, () => writer.message(1, writeTensorType));
    writer.string(1, name);
  });
}

function writeTensor(
  writer: ProtobufWriter,
  name: string,
  array: HostArray,
  inline: boolean,
): void {
  if (inline) writer.bytes(9, bytesOf(array));
  if (name) writer.string(8, name);
  writer.int(2, ONNX_DTYPES[array.dtype]);
  backwards(array.shape, (extent) => writer.int(1, extent));
}

function writeNode(writer: ProtobufWriter, node: OnnxNode): void {
  if (node.domain) writer.string(7, node.domain);
  if (node.attributes) {
    backwards(Object.entries(node.attributes), ([name, attribute]) =>
      writer.message(5, () => writeAttribute(writer, name, attribute)),
    );
  }
  writer.string(4, node.opType);
  if (node.name) writer.string(3, node.name);
  backwards(node.outputs, (name) => writer.string(2, name));
  backwards(node.inputs, (name) => writer.string(1, name));
}

function writeAttribute(writer: ProtobufWriter, name: string, attribute: OnnxAttribute): void {
  const what = `attribute "${name}"`;
  if ("f" in attribute) {
    writer.int(20, 1);
    writer.float(2, attribute.f);
  } else if ("i" in attribute) {
    writer.int(20, 2);
    writeInteger(writer, 3, attribute.i, what);
  } else if ("s" in attribute) {
    writer.int(20, 3);
    writer.string(4, attribute.s);
  } else if ("t" in attribute) {
    writer.int(20, 4);
    writer.message(5, () => writeTensor(writer, "", attribute.t, true));
  } else if ("g" in attribute) {
    writer.int(20, 5);
    writer.message(6, () => writeGraph(writer, attribute.g, new Map(), ""));
  } else if ("floats" in attribute) {
    writer.int(20, 6);
    backwards(attribute.floats, (value) => writer.float(7, value));
  } else if ("ints" in attribute) {
    writer.int(20, 7);
    backwards(attribute.ints, (value) => writeInteger(writer, 8, value, what));
  } else {
    writer.int(20, 8);
    backwards(attribute.strings, (value) => writer.string(9, value));
  }
  writer.string(1, name);
}
