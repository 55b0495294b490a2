import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ModelProtoSchema } from "onnx-buf";
import type { AttributeProto, GraphProto } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { fromNumbers } from "../graph/dtype.ts";
import type { HostArray } from "../graph/dtype.ts";
import { bytesOf } from "./bytes.ts";
import { decodeModel } from "./onnx-decode.ts";
import { encodeModel } from "./onnx-encode.ts";
import { ONNX_DTYPES } from "./onnx.ts";
import type { OnnxAttribute, OnnxGraph, OnnxModel } from "./onnx.ts";
import { anyArray, anyArrays, bitsOf, damaged, expectRobust } from "./test-helpers.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The value of a decoded attribute in our notation. */
function attributeOf({ type, f, i, s, t, g, floats, ints, strings }: AttributeProto): unknown {
  switch (type) {
    case 1:
      return { f };
    case 2:
      return { i };
    case 3:
      return { s: text(s) };
    case 4:
      return { t: t && { dims: t.dims, type: t.dataType, raw: [...t.rawData] } };
    case 5:
      return { g: g?.name };
    case 6:
      return { floats };
    case 7:
      return { ints };
    default:
      return { strings: strings.map(text) };
  }
}

/** What onnx-buf should decode an attribute to. */
function expectedAttribute(attribute: OnnxAttribute): unknown {
  if ("i" in attribute) return { i: BigInt(attribute.i) };
  if ("ints" in attribute) return { ints: attribute.ints.map(BigInt) };
  if ("g" in attribute) return { g: attribute.g.name };
  if ("t" in attribute) return { t: expectedTensor(attribute.t) };
  return attribute;
}

const expectedTensor = (array: HostArray) => ({
  dims: array.shape.map(BigInt),
  type: ONNX_DTYPES[array.dtype],
  raw: bitsOf(array).bits,
});

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const integer = fc.oneof(
  fc.integer({ min: -130, max: 130 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const float = fc.float().map(Math.fround);
const subgraph: OnnxGraph = { name: "sub", nodes: [], inputs: [], outputs: [] };
const attribute: fc.Arbitrary<OnnxAttribute> = fc.oneof(
  fc.record({ i: integer }),
  fc.record({ f: float }),
  fc.record({ s: fc.string({ unit: "grapheme" }) }),
  fc.record({ t: anyArray }),
  fc.record({ ints: fc.array(integer) }),
  fc.record({ floats: fc.array(float) }),
  fc.record({ strings: fc.array(fc.string({ unit: "grapheme" })) }),
  fc.constant({ g: subgraph }),
);
const valueInfo = fc.record(
  {
    name,
    dtype: fc.constantFrom("float32" as const, "bool" as const, "int64" as const),
    shape: fc.array(fc.oneof(fc.nat(), name), { maxLength: 4 }),
  },
  { requiredKeys: ["name", "dtype"] },
);
const node = fc.record(
  {
    opType: name,
    domain: name,
    inputs: fc.array(fc.string({ maxLength: 5 })),
    outputs: fc.array(name),
    attributes: fc.dictionary(name, attribute, { maxKeys: 4 }),
    name,
  },
  { requiredKeys: ["opType", "inputs", "outputs"] },
);
const model: fc.Arbitrary<OnnxModel> = fc.record(
  {
    irVersion: fc.nat(20),
    opsetImports: fc.constant({ "": 21, "com.microsoft": 1 }),
    graph: fc.record({
      name,
      nodes: fc.array(node, { maxLength: 4 }),
      inputs: fc.array(valueInfo, { maxLength: 3 }),
      outputs: fc.array(valueInfo, { maxLength: 3 }),
      initializers: anyArrays,
    }),
    producer: name,
    metadata: fc.dictionary(name, fc.string({ unit: "grapheme" })),
  },
  { requiredKeys: ["irVersion", "opsetImports", "graph"] },
);

/** Checks a decoded graph's nodes and initializers against ours. */
function expectGraph(decoded: GraphProto, graph: OnnxGraph): void {
  expect(decoded.name).toBe(graph.name);
  expect(
    decoded.node.map(({ opType, domain, input, output, name: label, attribute: attributes }) => ({
      opType,
      domain,
      input,
      output,
      label,
      attributes: attributes.map((item) => [item.name, attributeOf(item)]),
    })),
  ).toEqual(
    graph.nodes.map((item) => ({
      opType: item.opType,
      domain: item.domain ?? "",
      input: item.inputs,
      output: item.outputs,
      label: item.name ?? "",
      attributes: Object.entries(item.attributes ?? {}).map(([key, value]) => [
        key,
        expectedAttribute(value),
      ]),
    })),
  );
  expect(
    decoded.initializer.map(({ name: label, dims, dataType, rawData }) => [
      label,
      { dims, type: dataType, raw: [...rawData] },
    ]),
  ).toEqual(
    Object.entries(graph.initializers ?? {}).map(([label, array]) => [
      label,
      expectedTensor(array),
    ]),
  );
}

test("onnx-buf decodes what we encode to the same values, and would write the same bytes", () => {
  fc.assert(
    fc.property(model, (original) => {
      const { model: bytes, external } = encodeModel(original);
      expect(external).toBeUndefined();
      const decoded = fromBinary(ModelProtoSchema, bytes);
      expectGraph(decoded.graph!, original.graph);
      expect(toBinary(ModelProtoSchema, decoded)).toEqual(bytes);
      const described = decodeModel(bytes);
      const initializers = original.graph.initializers ?? {};
      expect(described).toEqual({
        irVersion: original.irVersion,
        producer: original.producer ?? "ocelli",
        opsetImports: original.opsetImports,
        inputs: original.graph.inputs.filter((input) => !Object.hasOwn(initializers, input.name)),
        outputs: original.graph.outputs,
        metadata: { ...original.metadata },
      });
    }),
    { numRuns: 300 },
  );
});

const bare = (graph: Partial<OnnxGraph>): OnnxModel => ({
  irVersion: 10,
  opsetImports: { "": 21 },
  graph: { ...subgraph, ...graph },
});

test("long texts, many nodes and large initializers cross the writer's blocks", () => {
  const label = "é".repeat(3000);
  const nodes = Array.from({ length: 6000 }, (_, i) => ({
    opType: "Add",
    inputs: [`value_${i}`, label.slice(0, i % 50)],
    outputs: [`value_${i + 1}`],
    attributes: { axis: { i: -1 }, scale: { f: 0.5 }, perm: { ints: [0, 2, 1, 3] } },
    name: i === 77 ? label + "x".repeat(100_000) : `node_${i}`,
  }));
  const large = fromNumbers(Float32Array.from({ length: 50_000 }, Math.sin), [50_000], "float32");
  const graph = { ...subgraph, nodes, initializers: { large, again: large } };
  const { model: bytes } = encodeModel(bare(graph));
  const decoded = fromBinary(ModelProtoSchema, bytes);
  expect(decoded.graph!.node.map((item) => item.name)).toEqual(nodes.map((item) => item.name));
  expect(decoded.graph!.initializer.map((item) => item.rawData)).toEqual([
    bytesOf(large),
    bytesOf(large),
  ]);
  expect(toBinary(ModelProtoSchema, decoded)).toEqual(bytes);
});

describe("external data", () => {
  const small = fromNumbers([1, 2], [2], "int64");
  const weight = fromNumbers(new Float32Array(3000).fill(0.5), [3000], "float32");
  const half = fromNumbers(new Float32Array(200).fill(0.5), [200], "bfloat16");

  test("initializers from the threshold on lie beside the model, at page boundaries", () => {
    const { model: bytes, external } = encodeModel(
      bare({ initializers: { weight, small, half } }),
      {
        externalThreshold: 400,
        externalLocation: "w.data",
      },
    );
    expect(external).toEqual({
      location: "w.data",
      byteLength: 12288 + 400,
      blobs: [
        { offset: 0, bytes: bytesOf(weight) },
        { offset: 12288, bytes: bytesOf(half) },
      ],
    });
    expect(external!.blobs[0].bytes.buffer).toBe(weight.data.buffer);
    const tensors = fromBinary(ModelProtoSchema, bytes).graph!.initializer;
    expect(tensors.map((item) => [item.name, item.dataLocation, item.rawData.length])).toEqual([
      ["weight", 1, 0],
      ["small", 0, 16],
      ["half", 1, 0],
    ]);
    expect(tensors[2].externalData.map(({ key, value }) => [key, value])).toEqual([
      ["location", "w.data"],
      ["offset", "12288"],
      ["length", "400"],
    ]);
    expect(bytes.length).toBeLessThan(400);
  });

  test("a model above 2 GB is refused without it, and nothing is copied", () => {
    const shared = { ...weight, shape: [2 ** 26], data: new Float32Array(2 ** 26) };
    const initializers = Object.fromEntries(
      Array.from({ length: 8 }, (_, i) => [`layer_${i}`, shared]),
    );
    expect(() => encodeModel(bare({ initializers }))).toThrow("externalThreshold");
    const { external } = encodeModel(bare({ initializers }), { externalThreshold: 1024 });
    expect(external!.byteLength).toBe(2 ** 31);
  });
});

test("a nested sub-graph keeps its nodes", () => {
  const inner: OnnxGraph = {
    name: "then",
    nodes: [{ opType: "Identity", inputs: ["x"], outputs: ["y"] }],
    inputs: [],
    outputs: [{ name: "y", dtype: "float32", shape: ["batch", 3] }],
    initializers: { c: fromNumbers([1], [], "bool") },
  };
  const outer = { opType: "If", inputs: ["p"], outputs: ["z"], attributes: { t: { g: inner } } };
  const decoded = fromBinary(ModelProtoSchema, encodeModel(bare({ nodes: [outer] })).model);
  expectGraph(decoded.graph!.node[0].attribute[0].g!, inner);
});

test("integers are checked", () => {
  const withAxis = (i: number | bigint) =>
    bare({ nodes: [{ opType: "Softmax", inputs: [], outputs: [], attributes: { axis: { i } } }] });
  expect(() => encodeModel(withAxis(0.5))).toThrow('attribute "axis": 0.5');
  expect(() => encodeModel(withAxis(2n ** 63n))).toThrow("64-bit");
  expect(() => encodeModel({ ...withAxis(0), irVersion: NaN })).toThrow("irVersion");
});

describe("decodeModel", () => {
  const shape = ["batch", 28, 28];
  const { model: bytes } = encodeModel({
    ...bare({
      inputs: [{ name: "image", dtype: "float32", shape }],
      outputs: [{ name: "logits", dtype: "float32" }],
      initializers: { k: fromNumbers([1, 2, 3], [3], "float16") },
    }),
    metadata: { task: "classification" },
  });

  test("damaged and arbitrary bytes are clear errors", () => {
    expectRobust(damaged(bytes), decodeModel, 3000);
    expectRobust(fc.uint8Array({ maxLength: 64 }), decodeModel);
    expect(() => decodeModel(new Uint8Array())).toThrow("no graph");
  });

  test("graphs nested without end are a clear error", () => {
    const prefixes: number[][] = [];
    let length = 0;
    const wrap = (field: number) => {
      const prefix = [field * 8 + 2, ...varint(length)];
      prefixes.push(prefix);
      length += prefix.length;
    };
    for (let depth = 0; depth < 20_000; depth++) [6, 5, 1].forEach(wrap); // graph, attribute, node
    wrap(7);
    const nested = Uint8Array.from(prefixes.reverse().flat());
    expect(() => decodeModel(nested)).toThrow("nested too deeply");
  });
});

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
