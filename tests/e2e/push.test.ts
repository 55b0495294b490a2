/** @file A run pushed to a hub on this machine: what is there, what opens again, and what is refused. */

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type HubStandIn, TOKENS, startHub } from "./hub-stand-in.ts";
import { toNumbers } from "../../src/graph/index.ts";
import { openModel, train } from "../../src/index.ts";
import { TINY, lastJson, runCli } from "./run-cli.ts";
import { writePairs } from "./small-pairs.ts";

let dir: string;
let run: string;
let picture: string;
let hub: HubStandIn;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-push-"));
  run = join(dir, "run");
  expect((await runCli(["train", "quickstart", ...TINY, "--workdir", run])).code).toBe(0);
  picture = join(dir, "picture.png");
  const pixels = Uint8Array.from({ length: 30 * 40 * 3 }, (_, i) => (i * i) % 251);
  await sharp(pixels, { raw: { width: 40, height: 30, channels: 3 } })
    .png()
    .toFile(picture);
  hub = await startHub();
}, 60_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  hub[Symbol.dispose]();
  await rm(dir, { recursive: true });
});
beforeEach(() => {
  vi.unstubAllEnvs();
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HOME", join(dir, "no-home"));
  vi.stubEnv("HF_TOKEN", TOKENS.write);
  vi.stubEnv("OCELLI_CACHE", join(dir, "cache"));
});

const push = (name: string, ...more: string[]) =>
  runCli(["push", run, name, "--license", "apache-2.0", "--out", join(dir, "out"), ...more]);

interface Ranked {
  readonly ranked: readonly { readonly name: string; readonly score: number }[];
}

const FILES = [
  ...["README.md", "checkpoint.safetensors", "config.json", "labels.json", "model.d.ts"],
  ...["model.float16.onnx", "model.json", "model.onnx", "preprocess.json"],
];

/** The front matter of a model card: each line is a key and JSON. */
function frontMatter(text: string): Record<string, unknown> {
  const [, matter] = /^---\n(.*?)\n---\n/s.exec(text)!;
  return Object.fromEntries(
    matter.split("\n").map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), JSON.parse(line.slice(at + 2)) as unknown];
    }),
  );
}

test("a dry run writes the folder, names its files and sends nothing; it needs no token", async () => {
  vi.stubEnv("HF_TOKEN", "");
  const result = await push("ada/dry", "--dry-run", "--json");
  expect(result.stderr).not.toContain("ocelli:");
  const { files, url } = lastJson<{ files: Record<string, number>; url?: string }>(result);
  expect(Object.keys(files).sort()).toEqual(FILES);
  expect(url).toBeUndefined();
  for (const [name, bytes] of Object.entries(files)) {
    expect((await readFile(join(dir, "out", name))).length).toBe(bytes);
  }
  expect(hub.repositories.size).toBe(0);
});

test("what is pushed opens again by its name and says the same", async () => {
  const result = await push("ada/digits", "--json");
  expect(result.stderr).not.toContain("ocelli:");
  expect(lastJson(result)).toMatchObject({ url: `${hub.url}/ada/digits` });
  const { visibility, files } = hub.repositories.get("ada/digits")!;
  expect(visibility).toBe("public");
  expect([...files.keys()].sort()).toEqual(FILES);
  for (const [name, bytes] of files) {
    expect(Buffer.from(bytes).equals(await readFile(join(dir, "out", name)))).toBe(true);
  }
  expect(hub.large.size).toBe(3); // large files go by their hashes
  expect(hub.commits).toEqual(["Push by ocelli"]);
  const say = async (model: string): Promise<Ranked[]> => {
    const told = await runCli(["predict", model, picture, "--json"]);
    expect(told.stderr).not.toContain("ocelli:");
    return lastJson<{ predictions: Ranked[] }>(told).predictions;
  };
  expect((await say("hf:ada/digits"))[0].ranked).toEqual((await say(run))[0].ranked);
  hub.repositories.delete("ada/digits"); // what was fetched is not asked for again
  expect((await say("hf:ada/digits"))[0].ranked).toEqual((await say(run))[0].ranked);
});

test("a model of images and texts takes its vocabulary along", async () => {
  const [pairs, out] = [join(dir, "pairs"), join(dir, "pairs-out")];
  await mkdir(join(dir, "captioned"));
  await train(await writePairs(join(dir, "captioned")), { engine: "ort", workdir: pairs });
  const vectorsOf = async (spec: string): Promise<number[]> => {
    const model = await openModel(spec, { engine: "ort" });
    const vectors = await model.texts!.embed(["red on the left", ""]);
    await model.dispose();
    return toNumbers(vectors);
  };
  const before = await vectorsOf(pairs);
  const args = ["push", pairs, "ada/pairs", "--license", "mit", "--out", out];
  expect((await runCli(args)).code).toBe(0);
  const { files } = hub.repositories.get("ada/pairs")!;
  expect([...files.keys()]).toEqual(
    expect.arrayContaining(["text.onnx", "image.onnx", "tokenizer.vocabulary"]),
  );
  for (const name of ["config.json", "checkpoint.safetensors", "model.json", "README.md"]) {
    expect(Buffer.from(files.get(name)!).includes(dir), name).toBe(false);
  }
  expect(Buffer.from(files.get("README.md")!).toString()).toContain("loadTowers");
  expect(Buffer.from(files.get("README.md")!).toString()).not.toMatch(/\|\s+\|$/m); // a file without a word
  // another machine has neither the run nor the file that it was trained with
  for (const name of [pairs, out, join(dir, "captioned")]) await rm(name, { recursive: true });
  expect(await vectorsOf("hf:ada/pairs")).toEqual(before);
});

test("the model card says what the run says", async () => {
  await push("ada/card", "--dry-run", "--dataset", "ylecun/mnist");
  const text = await readFile(join(dir, "out", "README.md"), "utf8");
  const result = JSON.parse(await readFile(join(run, "result.json"), "utf8")) as {
    readonly parameters: number;
    readonly evals: { readonly test: Readonly<Record<string, number>> };
  };
  const matter = frontMatter(text);
  expect(matter).toMatchObject({
    license: "apache-2.0",
    library_name: "ocelli",
    pipeline_tag: "image-classification",
    tags: ["ocelli", "vision", "vit", "onnx"],
    datasets: ["ylecun/mnist"],
    metrics: Object.keys(result.evals.test),
  });
  const [{ name, results }] = matter["model-index"] as {
    readonly name: string;
    readonly results: readonly { readonly metrics: readonly object[] }[];
  }[];
  expect(name).toBe("card");
  expect(results[0].metrics).toContainEqual({
    ...{ type: "accuracy", value: result.evals.test.accuracy, name: "test/accuracy" },
  });
  expect(text).toContain(`with ${result.parameters.toLocaleString("en")} parameters`);
  expect(text).toContain("10 names of `label`: `0`, `1`,");
  expect(text).toContain("resize(28)|grayscale|value_range(-1,1)");
  expect(text).toContain('loadPredictor("hf:ada/card")');
  expect(text).toContain("`test` judges the split `test[:20]`.");
  expect(text).not.toContain(dir); // nothing of this machine
});

test("a transferred run says what it began with, and names no folder of this machine", async () => {
  const transferred = join(dir, "transferred");
  await cp(run, transferred, { recursive: true });
  const file = join(transferred, "config.json");
  const config = JSON.parse(await readFile(file, "utf8")) as object;
  const data = { name: "folder", dir: join(dir, "pictures") };
  const text = async (weights: string): Promise<string> => {
    const transfer = { method: "linear", weights };
    await writeFile(file, JSON.stringify({ ...config, data, transfer }));
    const out = join(dir, "transferred-out");
    const how = ["--license", "mit", "--out", out, "--dry-run"];
    expect((await runCli(["push", transferred, "ada/pets", ...how])).code).toBe(0);
    return readFile(join(out, "README.md"), "utf8");
  };
  const published = await text("hf:google/vit-base-patch16-224@main");
  expect(frontMatter(published)).toMatchObject({ base_model: "google/vit-base-patch16-224" });
  expect(published).toContain("| transfer | `linear` |");
  const own = await text(join(dir, "own"));
  expect(frontMatter(own)).not.toHaveProperty("base_model");
  expect(frontMatter(own)).not.toHaveProperty("datasets");
  expect(own).not.toContain(dir);
});

test("a repository that is there is committed to; a private one is made private", async () => {
  expect((await push("ada/twice", "--private")).code).toBe(0);
  expect(hub.repositories.get("ada/twice")!.visibility).toBe("private");
  expect((await push("ada/twice")).code).toBe(0);
});

test("the token of the hub's own file is taken", async () => {
  vi.stubEnv("HF_TOKEN", "");
  const file = join(dir, "token");
  await writeFile(file, `${TOKENS.write}\n`);
  vi.stubEnv("HF_TOKEN_PATH", file);
  expect((await push("ada/by-file")).code).toBe(0);
});

test("what cannot be is one line that says why, before anything is sent", async () => {
  const before = hub.commits.length;
  const licensed = ["--license", "apache-2.0"];
  const refused: readonly (readonly [message: string, ...args: string[]])[] = [
    ["it must have one slash", "digits", ...licensed],
    ["no part may begin or end with - or .", "ada/digits-", ...licensed],
    ["a part is empty or has other characters", "ada/", ...licensed],
    ["it may not have -- or ..", "ada/a--b", ...licensed],
    ["ocelli push needs --license. Such as", "ada/x"],
    ["is no identifier of a license", "ada/x", "--license", "My own"],
  ];
  for (const [message, ...args] of refused) {
    const { code, stderr } = await runCli(["push", run, ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  }
  const withToken = async (token: string, name = "ada/x") => {
    vi.stubEnv("HF_TOKEN", token);
    return (await push(name)).stderr;
  };
  expect(await withToken("")).toMatch(/there is no token for the hub\. .*set HF_TOKEN.*no-home/);
  expect(await withToken("secret")).toContain("does not begin with hf_");
  expect(await withToken("hf_unknown")).toMatch(/does not know the token: Invalid credentials/);
  expect(await withToken(TOKENS.read)).toMatch(/the token may not write to ada\/x: .*rights/);
  expect(await withToken(TOKENS.write, "eve/x")).toMatch(
    /may not write to eve\/x.*name of your own/,
  );
  vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9");
  expect(await withToken(TOKENS.write)).toMatch(/127\.0\.0\.1:9 cannot be reached/);
  expect(hub.commits).toHaveLength(before);
});
