/** @file Weight files of every format, known by their first bytes: their arrays by name. */

import { basename, dirname, join } from "node:path";
import { OcelliError } from "../errors.ts";
import { isName, parseJson } from "../formats/budget.ts";
import { type ByteRanges, formatError } from "../formats/bytes.ts";
import { openNpz } from "../formats/npz.ts";
import { openPth } from "../formats/pth.ts";
import { openSafetensors } from "../formats/safetensors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { openRanges, readSmallText } from "../file-ranges.ts";

/** The files that hold the weights of `path`: itself, or the shards that an index names. */
export function weightFiles(path: string): string[] {
  if (!path.endsWith(".index.json")) return [path];
  const files = shardsOf(path, readSmallText(path));
  return files.map((file) => join(dirname(path), file));
}

/** The shards that an index names, each once; names that leave the folder are refused. */
export function shardsOf(path: string, text: string): string[] {
  const bad = (): never => {
    throw new OcelliError("format", `${path} is no index of shards: it needs a "weight_map".`);
  };
  let map: unknown;
  try {
    map = (parseJson(text, path, { depth: 4 }) as { weight_map?: unknown } | null)?.weight_map;
  } catch {
    bad();
  }
  if (typeof map !== "object" || map === null) bad();
  const files = [...new Set(Object.values(map as object))];
  return files.map((file: unknown) => {
    if (
      typeof file === "string" &&
      isName(file) &&
      basename(file) === file &&
      !/[\\]|^\.\.?$/.test(file)
    )
      return file;
    throw new OcelliError(
      "format",
      `${path} names the shard ${JSON.stringify(file)}, which is no file beside it.`,
    );
  });
}

/** Arrays by name, each read when it is asked for. */
export type UnreadArrays = ReadonlyMap<string, () => HostArray>;

/**
 * The arrays of weight files together; one name in two files is an error.
 *
 * @param choose which of them are read, under which names. Default: all
 */
export function readWeights(
  files: readonly string[],
  choose: (arrays: UnreadArrays) => UnreadArrays = (arrays) => arrays,
): Record<string, HostArray> {
  using opened = new DisposableStack();
  const all = new Map<string, () => HostArray>();
  for (const file of files) {
    const ranges = opened.use(openRanges(file));
    for (const [name, read] of aboutFile(file, () => openArrays(file, ranges))) {
      if (all.has(name)) {
        throw new OcelliError("format", `${file}: the array ${name} is in another shard too.`);
      }
      all.set(name, () => aboutFile(file, read));
    }
  }
  return Object.fromEntries([...choose(all)].map(([name, read]) => [name, read()]));
}

/** Errors of a parser with the file's path in front. */
function aboutFile<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof OcelliError) || cause.code === "data") throw cause;
    throw new OcelliError(cause.code, `${path}: ${cause.message}`, {
      ...cause,
      hint: undefined,
      cause,
    });
  }
}

function openArrays(path: string, bytes: ByteRanges): UnreadArrays {
  const all = (file: {
    readonly names: readonly string[];
    readonly read: (name: string) => HostArray;
  }): UnreadArrays => {
    const bad = file.names.find((name) => name.split(/[/.]/).includes("__proto__"));
    if (bad !== undefined) throw formatError(`an array is named "${bad}".`);
    return new Map(file.names.map((name) => [name, () => file.read(name)]));
  };
  const [first, second] = bytes.subarray(0, Math.min(2, bytes.length));
  const isZip = first === 0x50 && second === 0x4b;
  if (isZip && path.endsWith(".npz")) {
    return all(openNpz(bytes));
  }
  if (isZip || first === 0x80) return stateOf(all(openPth(bytes)));
  return all(openSafetensors(bytes));
}

/** Of a training checkpoint the model's part: what lies under `state_dict` or `model`, where there is such. */
function stateOf(arrays: UnreadArrays): UnreadArrays {
  for (const key of ["state_dict", "model", "model_state_dict"]) {
    const part = subtree(arrays, key);
    if (part.size > 0) return part;
  }
  return arrays;
}

/** The arrays below a name, without it; names are parted by "/" or ".". */
export function subtree(arrays: UnreadArrays, root: string): UnreadArrays {
  return new Map(
    [...arrays]
      .filter(([name]) => name.startsWith(`${root}/`) || name.startsWith(`${root}.`))
      .map(([name, read]) => [name.slice(root.length + 1), read]),
  );
}
