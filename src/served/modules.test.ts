import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Definition, added } from "../config/use.ts";
import { rememberFile } from "../define.ts";
import { recordDefinitions, useExported, useFiles, useRunFiles } from "./modules.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-modules-"));
  vi.stubEnv("OCELLI_CACHE", join(dir, "cache"));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

/** A definition in plain JavaScript, of a data set that is never opened. */
const source = (name: string): string =>
  `{ kind: "source", name: "${name}", schema: { shape: {} }, open() { throw new Error("opened"); } }`;

const write = async (file: string, text: string): Promise<string> => {
  await writeFile(join(dir, file), text);
  return join(dir, file);
};

test("a file's definitions are added, alone or in a list; one without is an error", async () => {
  const file = await write("some.mjs", `export const one = ${source("one")};
export default [${source("two")}];`); // prettier-ignore
  await useFiles([file]);
  expect(added().map(({ name }) => name)).toEqual(["one", "two"]);
  await expect(useFiles([join(dir, "none.mjs")])).rejects.toThrow("there is no file");
  const empty = await write("empty.mjs", "export const x = 1;");
  await expect(useFiles([empty])).rejects.toThrow("empty.mjs exports no definition");
  const broken = await write("broken.mjs", "export const = 1;");
  await expect(useFiles([broken])).rejects.toThrow("broken.mjs cannot be loaded");
  await expect(useExported(file, { use: [1] })).rejects.toThrow("use must be a list");
});

test("a run opens by the files of its record, where they were named here before", async () => {
  const run = join(dir, "run");
  const files: Record<string, object> = {};
  const writeJson = (file: string, value: object): Promise<void> => {
    files[file] = value;
    return Promise.resolve();
  };
  const readJson = (file: string): Promise<unknown> => Promise.resolve(files[file]);
  const three = { kind: "source", name: "three", schema: {}, open: () => undefined };
  rememberFile(three, join(dir, "three.mjs"));
  await useExported(join(dir, "three.mjs"), { use: [three as unknown as Definition] });
  await recordDefinitions(
    { readJson, writeJson },
    { data: { name: "three" }, model: { name: "vit" } },
  );
  expect(files).toEqual({
    definitions: {
      definitions: [{ kind: "source", name: "three", file: join(dir, "three.mjs") }],
    },
  });
  await recordDefinitions(
    { readJson, writeJson: () => Promise.reject(new Error()) },
    { data: "mnist" },
  ); // nothing of its own

  await mkdir(run);
  const record = (name: string, file?: string) =>
    writeFile(
      join(run, "definitions.json"),
      JSON.stringify({ definitions: [{ kind: "source", name, file }] }),
    );
  await record("three", "gone.mjs");
  await useRunFiles(run); // it is here already
  await record("four", join(dir, "gone.mjs"));
  await expect(useRunFiles(run)).rejects.toThrow("gone.mjs is gone");
  await record("four");
  await expect(useRunFiles(run)).rejects.toThrow('trained with the source "four" of your own');
  const four = await write("four.mjs", `export const four = ${source("four")};`);
  await record("four", four);
  await expect(useRunFiles(run)).rejects.toThrow("four.mjs is code that is new here");
  expect(added().map(({ name }) => name)).not.toContain("four");
  const five = await write("five.mjs", `export const another = ${source("another")};`);
  await useFiles([five]);
  await record("five", five);
  await expect(useRunFiles(run)).rejects.toThrow("five.mjs no longer exports it");
});
