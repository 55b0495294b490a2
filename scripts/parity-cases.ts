/** @file Reading recorded cases from folders. */

import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import sharp from "sharp";
import { OcelliError } from "../src/errors.ts";
import { readNpz } from "../src/formats/npz.ts";
import type { HostArray } from "../src/graph/index.ts";
import { type Arrays, type Case, type JsonObject, makeCase } from "../src/parity/index.ts";

/** The folders of all cases at or below a folder, in order. */
export async function findCases(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  if (entries.some((entry) => entry.name === "case.json")) return [directory];
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const nested = await Promise.all(below.sort().map((name) => findCases(join(directory, name))));
  return nested.flat();
}

/** The case of a folder whose case.json is read already. */
export async function readCase(directory: string, description: JsonObject): Promise<Case> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)));
  const read = async (name: string): Promise<Arrays> =>
    readNpz(await readFile(join(directory, name)));
  if (!files.includes("io.npz")) throw new OcelliError("format", "the case has no io.npz.");
  const grads = files.filter((name) => /^grads.*\.npz$/.test(name));
  const others = files.filter((name) => !name.endsWith(".npz") && name !== "case.json");
  return makeCase({
    description,
    io: await read("io.npz"),
    params: files.includes("params.npz") ? await read("params.npz") : undefined,
    grads: Object.fromEntries(
      await Promise.all(grads.map(async (name) => [name.slice(5, -4), await read(name)] as const)),
    ),
    files: Object.fromEntries(
      await Promise.all(
        others.map(async (name) => [name, await readFile(join(directory, name))] as const),
      ),
    ),
  });
}

/** The content of a folder's case.json. */
export async function readDescription(directory: string): Promise<JsonObject> {
  const text = await readFile(join(directory, "case.json"), "utf8");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as JsonObject;
    }
  } catch (cause) {
    throw new OcelliError("format", `case.json is not JSON: ${(cause as Error).message}.`, {
      cause,
    });
  }
  throw new OcelliError("format", "case.json must hold an object.");
}

/** An image file's pixels as they are stored, uint8 of [height, width, channels]. */
export async function decodeImage(bytes: Uint8Array): Promise<HostArray> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  return { shape: [info.height, info.width, info.channels], dtype: "uint8", data };
}
