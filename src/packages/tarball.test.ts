import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { serveIndex, tarballOf } from "./index-fixtures.ts";
import { fetchTarball, unpackTarball } from "./tarball.ts";
import type { PackageUse } from "./wheels.ts";

const use: PackageUse = { code: "engine", things: "a test", otherwise: "do without." };
const LONG = `package/${"folder/".repeat(12)}last`;
const ARCHIVE = tarballOf({ "package/a": "one", "package/b/c": "two", [LONG]: "x".repeat(700) });
const integrity = `sha512-${createHash("sha512").update(ARCHIVE).digest("base64")}`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-tarball-"));
});
afterAll(() => rm(dir, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

test("the tarball that a registry names is fetched, by way of the mirror that is configured", async () => {
  await using registry = await serveIndex((path) => {
    if (path === "/npm/thing/1.0.0") {
      const tarball = "https://registry.npmjs.org/thing/-/thing-1.0.0.tgz";
      return JSON.stringify({ dist: { tarball } });
    }
    return path === "/npm/thing/-/thing-1.0.0.tgz" ? ARCHIVE : undefined;
  });
  vi.stubEnv("npm_config_registry", `${registry.url}npm/`);
  const path = join(dir, "thing.tgz");
  await fetchTarball(use, { name: "thing", version: "1.0.0", integrity }, path);
  expect(await readFile(path)).toEqual(Buffer.from(ARCHIVE));
  const other = { name: "thing", version: "1.0.0", integrity: "sha512-AAAA" };
  await expect(fetchTarball(use, other, path)).rejects.toThrow(
    `thing 1.0.0 has ${integrity}, not the pinned sha512-AAAA. Nothing was installed`,
  );
  const absent = { name: "absent", version: "1.0.0", integrity };
  await expect(fetchTarball(use, absent, path)).rejects.toThrow(
    /absent 1\.0\.0, for a test, cannot be fetched: .*npm\/absent\/1\.0\.0 answers 404 Not Found\. .* or do without\./,
  );
});

test("the members that are asked for are written, the others are passed over", async () => {
  const path = join(dir, "archive.tgz");
  await writeFile(path, ARCHIVE);
  const folder = join(dir, "some");
  const count = await unpackTarball(path, folder, (name) =>
    name === "package/a" ? undefined : name,
  );
  expect(count).toBe(2);
  expect(await readFile(join(folder, "package", "b", "c"), "utf8")).toBe("two");
  expect((await readFile(join(folder, LONG))).length).toBe(700);
  expect(await readdir(join(folder, "package"))).toEqual(["b", "folder"]);
});

test("what is damaged, or leaves the folder, is an error", async () => {
  const path = join(dir, "bad.tgz");
  const unpack = () => unpackTarball(path, join(dir, "bad"), (name) => name);
  await writeFile(path, "no gzip");
  await expect(unpack()).rejects.toThrow("is no gzip file, or damaged");
  await writeFile(path, ARCHIVE.subarray(0, ARCHIVE.length - 20));
  await expect(unpack()).rejects.toThrow("is no gzip file, or damaged");
  await writeFile(path, gzipSync(new Uint8Array(512).fill(1)));
  await expect(unpack()).rejects.toThrow("header is damaged, or this is no tar file");
  await writeFile(path, gzipSync(""));
  await expect(unpack()).rejects.toThrow("is truncated");
  await writeFile(path, tarballOf({ "../outside": "x" }));
  await expect(unpack()).rejects.toThrow("would lie outside its folder");
});
