/** @file Files that are no plugins, and plugins that do not fit: each is told apart in one line. */

import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createXlaEngine } from "../index.ts";
import { checkVersion } from "./api.ts";

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), "ocelli-plugin-"))));
afterAll(() => rm(folder, { recursive: true }));

/** The shared library that koffi is, which is no plugin. */
function otherLibrary(): string {
  const require = createRequire(import.meta.url);
  const { platform, arch } = process;
  const part = require.resolve(`@koromix/koffi-${platform}-${arch}`, {
    paths: [dirname(require.resolve("koffi"))],
  });
  return join(dirname(part), `${platform}_${arch}`, "koffi.node");
}

/** The head of an ELF library whose one segment ends behind the file. */
function truncatedLibrary(): Buffer {
  const bytes = Buffer.alloc(256);
  bytes.write("\x7fELF", "latin1");
  bytes.writeBigUInt64LE(64n, 32); // segments begin
  bytes.writeUInt16LE(56, 54); // bytes of each
  bytes.writeUInt16LE(1, 56); // one of them
  bytes.writeBigUInt64LE(4096n, 64 + 8); // where it begins
  bytes.writeBigUInt64LE(4096n, 64 + 32); // and its size
  return bytes;
}

/** Calls a function without a superuser's rights, where the process has them. */
async function asNobody(call: () => void): Promise<void> {
  if (process.getuid!() !== 0) return call();
  await chmod(folder, 0o755); // what lies in it is for others to find
  process.seteuid!(65_534);
  try {
    call();
  } finally {
    process.seteuid!(0);
  }
}

describe("a bad plugin", () => {
  const opening = (plugin: string) => () => createXlaEngine({ plugin });

  it("is missing by name", () => {
    expect(opening("xla-cpux")).toThrow('unknown plugin "xla-cpux"; valid: xla-cpu');
  });

  it("is missing as a file", () => {
    expect(opening("/nowhere/plugin.so")).toThrow("/nowhere/plugin.so does not exist");
  });

  it.runIf(process.platform === "linux")("is no library", async () => {
    const file = join(folder, "text.so");
    await writeFile(file, "not a library\n");
    expect(opening(file)).toThrow(`${file} is no shared library`);
  });

  it.runIf(process.platform === "linux")("is truncated", async () => {
    const file = join(folder, "short.so");
    await writeFile(file, truncatedLibrary());
    expect(opening(file)).toThrow(`${file} is truncated at 256 bytes`);
  });

  it("is a folder", () => {
    expect(opening(`${folder}/`)).toThrow(`the plugin ${folder} is no file`);
  });

  it.runIf(process.platform === "linux")("is a library that was cut off", async () => {
    const file = join(folder, "cut.so");
    const bytes = await readFile(otherLibrary());
    await writeFile(file, bytes.subarray(0, bytes.length >> 1));
    expect(opening(file)).toThrow(`${file} is truncated at ${bytes.length >> 1} bytes`);
  });

  it.runIf(process.platform === "linux")("is built for another processor", async () => {
    const file = join(folder, "other.so");
    const bytes = await readFile(otherLibrary());
    const [number, name] = process.arch === "x64" ? [183, "arm64"] : [62, "x64"];
    bytes.writeUInt16LE(number, 18);
    await writeFile(file, bytes);
    expect(opening(file)).toThrow(`${file} is built for ${name}, this is ${process.arch}.`);
  });

  it.runIf(process.platform !== "win32")("may not be read", async () => {
    const file = join(folder, "secret.so");
    await writeFile(file, truncatedLibrary(), { mode: 0 });
    await asNobody(() => expect(opening(file)).toThrow(`${file} cannot be read (EACCES)`));
  });

  it("is another library", () => {
    expect(opening(otherLibrary())).toThrow("is no PJRT plugin: it has no GetPjrtApi");
  });

  it("speaks another version", () => {
    const check = (major: number, minor: number, size: number) => () =>
      checkVersion("p.so", { major, minor }, size);
    expect(check(0, 115, 1100)).not.toThrow();
    expect(check(0, 40, 1100)).toThrow("p.so speaks PJRT 0.40; 0.81 or a later 0.x is needed.");
    expect(check(1, 0, 1100)).toThrow("p.so speaks PJRT 1.0");
    expect(check(0, 115, 200)).toThrow("p.so speaks PJRT 0.115");
  });
});
