import { lstat, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBeside, openGrowing, readOwn, removePartials, writeAtomically } from "./files.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-files-"))));
afterAll(() => rm(dir, { recursive: true }));

test("a failed atomic write leaves the old content and nothing beside it", async () => {
  const path = join(dir, "atomic", "value");
  await mkdir(join(dir, "atomic"));
  await writeAtomically(path, "old");
  const broken = [Uint8Array.of(1), null as unknown as Uint8Array];
  await expect(writeAtomically(path, broken)).rejects.toThrow();
  expect(await readFile(path, "utf8")).toBe("old");
  expect(await readdir(join(dir, "atomic"))).toEqual(["value"]);
});

test("a link in a file's place is replaced, and the file that it leads to stays", async () => {
  const precious = join(dir, "precious");
  await writeFile(precious, "mine");
  for (const name of ["report.html", "report.html.partial"]) {
    await symlink(precious, join(dir, name));
  }
  await writeAtomically(join(dir, "report.html"), "new");
  expect(await readFile(precious, "utf8")).toBe("mine");
  expect((await lstat(join(dir, "report.html"))).isFile()).toBe(true);
  expect(() => openGrowing(join(dir, "report.html.partial"))).toThrow("it is a link");
  await expect(readOwn(join(dir, "report.html.partial"))).rejects.toThrow("it is a link");
});

test("temporary names are never the same, of any length, and opened exclusively", async () => {
  const path = join(dir, "名".repeat(80));
  const [a, b] = [await openBeside(path), await openBeside(path)];
  expect(a.temporary).not.toBe(b.temporary);
  await a.file.writeFile("a");
  await b.file.writeFile("b");
  await a.commit();
  await b.commit();
  expect(await readFile(path, "utf8")).toBe("b");
});

test.skipIf(process.platform === "win32")("a device is never replaced", async () => {
  await expect(writeAtomically("/dev/null", "x")).rejects.toThrow("a device, a pipe or a socket");
  expect((await lstat("/dev/null")).isCharacterDevice()).toBe(true);
});

test("only what an interrupted write left is cleared away", async () => {
  const folder = join(dir, "left");
  await mkdir(folder);
  const own = await openBeside(join(folder, "value"));
  await own.file.close();
  await writeFile(join(folder, "download.partial"), "a person's own");
  await removePartials(folder);
  expect(await readdir(folder)).toEqual(["download.partial"]);
});
