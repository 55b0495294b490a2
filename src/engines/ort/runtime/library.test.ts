import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { serveIndex, tarballOf } from "../../../packages/index-fixtures.ts";
import { PINNED, fetchLibrary } from "./library.ts";

const ARCHIVE = tarballOf({
  "package/bin/napi-v6/linux/x64/libonnxruntime.so.1": "for Linux",
  "package/bin/napi-v6/darwin/arm64/libonnxruntime.1.30.0.dylib": "for a Mac",
  "package/bin/napi-v6/win32/x64/onnxruntime.dll": "for Windows",
  "package/bin/napi-v6/win32/x64/DirectML.dll": "beside it",
  "package/dist/index.js": "",
});
const integrity = `sha512-${createHash("sha512").update(ARCHIVE).digest("base64")}`;
const source = { ...PINNED, integrity };

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-library-"));
});
afterAll(() => rm(dir, { recursive: true }));
beforeEach(async () => vi.stubEnv("OCELLI_CACHE", await mkdtemp(join(dir, "cache-"))));
afterEach(() => vi.unstubAllEnvs());

const serve = () =>
  serveIndex((path) =>
    path.endsWith(".tgz")
      ? ARCHIVE
      : JSON.stringify({ dist: { tarball: `..${path}/package.tgz` } }),
  );

test("of the package one platform's folder is kept, and fetched once", async () => {
  await using registry = await serve();
  vi.stubEnv("npm_config_registry", registry.url);
  const said: string[] = [];
  const fetch = (platform: string) =>
    fetchLibrary({ platform, source, report: (line) => said.push(line) });
  const [library] = await Promise.all([fetch("linux-x64"), fetch("linux-x64")]);
  expect(await readFile(library, "utf8")).toBe("for Linux");
  const asked = registry.paths.length;
  expect(await fetch("linux-x64")).toBe(library);
  expect(registry.paths).toHaveLength(asked);
  expect(said[0]).toBe("fetching onnxruntime-node 1.30.0 once, to keep its library for linux-x64");
  const windows = await fetch("win32-x64");
  expect(await readdir(join(windows, ".."))).toEqual(["DirectML.dll", "onnxruntime.dll"]);
  const kept = await readdir(join(process.env.OCELLI_CACHE!, "engines", "onnxruntime", "1.30.0"));
  expect(kept).toEqual(["linux-x64", "win32-x64"]);
});

test("another file than the pinned one, or a platform that is not in it, is an error", async () => {
  await using registry = await serve();
  vi.stubEnv("npm_config_registry", registry.url);
  const report = () => undefined;
  await expect(fetchLibrary({ platform: "linux-x64", report })).rejects.toThrow(
    `not the pinned ${PINNED.integrity}`,
  );
  await expect(fetchLibrary({ platform: "linux-arm64", source, report })).rejects.toThrow(
    "holds no library for linux-arm64",
  );
  await expect(fetchLibrary({ platform: "aix-ppc64" })).rejects.toThrow(
    "ONNX Runtime has no library for aix-ppc64 in onnxruntime-node. It has: darwin-arm64, linux-arm64,",
  );
  vi.stubEnv("npm_config_registry", "http://127.0.0.1:9/");
  await expect(fetchLibrary({ platform: "linux-x64", report })).rejects.toThrow(
    /ECONNREFUSED.*or install the whole package: npm install onnxruntime-node@1\.30\.0\./,
  );
});

test("what is fetched is the version that the tests run with", async () => {
  const lock = JSON.parse(await readFile("package-lock.json", "utf8")) as {
    packages: Record<string, { version: string; integrity: string }>;
  };
  const { version, integrity: locked } = lock.packages[`node_modules/${PINNED.name}`];
  expect({ ...PINNED }).toEqual({ name: PINNED.name, version, integrity: locked });
});
