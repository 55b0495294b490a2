/** @file Weight files of every format, known by their first bytes: their arrays by name. */

import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OcelliError } from "../errors.ts";
import { openNpz } from "../formats/npz.ts";
import { openPth } from "../formats/pth.ts";
import { readSafetensors } from "../formats/safetensors.ts";
import type { HostArray } from "../graph/dtype.ts";

type Named = Record<string, HostArray>;

/** The bytes of a weight file; an error that says what is wrong with its path. */
async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const why = code === "ENOENT" ? "there is no such file" : code;
    throw new OcelliError("data", `cannot read the weights ${path}: ${why}.`, { cause });
  }
}

/** The files that hold the weights of `path`: itself, or the shards that an index names. */
export async function weightFiles(path: string): Promise<string[]> {
  if (!path.endsWith(".index.json")) return [path];
  const files = shardsOf(path, new TextDecoder().decode(await readBytes(path)));
  return files.map((file) => join(dirname(path), file));
}

/** The shards that an index names, each once; names that leave the folder are refused. */
export function shardsOf(path: string, text: string): string[] {
  const bad = (): never => {
    throw new OcelliError("format", `${path} is no index of shards: it needs a "weight_map".`);
  };
  let map: unknown;
  try {
    map = (JSON.parse(text) as { weight_map?: unknown }).weight_map;
  } catch {
    bad();
  }
  if (typeof map !== "object" || map === null) bad();
  const files = [...new Set(Object.values(map as object))];
  return files.map((file: unknown) => {
    if (typeof file === "string" && basename(file) === file && !/[\\]|^\.\.?$/.test(file))
      return file;
    throw new OcelliError(
      "format",
      `${path} names the shard ${JSON.stringify(file)}, which is no file beside it.`,
    );
  });
}

/** The arrays of weight files, and of them together; one name in two files is an error. */
export async function readWeights(files: readonly string[]): Promise<Named> {
  const arrays: Named = {};
  for (const file of files) {
    for (const [name, array] of Object.entries(parse(file, await readBytes(file)))) {
      if (Object.hasOwn(arrays, name)) {
        throw new OcelliError("format", `${file}: the array ${name} is in another shard too.`);
      }
      arrays[name] = array;
    }
  }
  return arrays;
}

function parse(path: string, bytes: Uint8Array): Named {
  try {
    return parseBytes(path, bytes);
  } catch (cause) {
    if (!(cause instanceof OcelliError)) throw cause;
    throw new OcelliError(cause.code, `${path}: ${cause.message}`, {
      ...cause,
      hint: undefined,
      cause,
    });
  }
}

function parseBytes(path: string, bytes: Uint8Array): Named {
  const all = ({
    names,
    read,
  }: {
    names: readonly string[];
    read: (name: string) => HostArray;
  }): Named => Object.fromEntries(names.map((name) => [name, read(name)]));
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  if (isZip && path.endsWith(".npz")) return all(openNpz(bytes));
  if (isZip || bytes[0] === 0x80) return stateOf(all(openPth(bytes)));
  return readSafetensors(bytes).tensors;
}

/** Of a training checkpoint the model's part: what lies under `state_dict` or `model`, where there is such. */
function stateOf(arrays: Named): Named {
  for (const key of ["state_dict", "model", "model_state_dict"]) {
    const part = subtree(arrays, key);
    if (Object.keys(part).length > 0) return part;
  }
  return arrays;
}

/** The arrays below a name, without it; names are parted by "/" or ".". */
export function subtree(arrays: Readonly<Named>, root: string): Named {
  return Object.fromEntries(
    Object.entries(arrays)
      .filter(([name]) => name.startsWith(`${root}/`) || name.startsWith(`${root}.`))
      .map(([name, array]) => [name.slice(root.length + 1), array]),
  );
}
