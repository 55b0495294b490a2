/** @file Where ONNX Runtime's shared library lies: in the package `onnxruntime-node`, else fetched once into the cache. */

import { existsSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { OcelliError } from "../../../errors.ts";
import {
  cacheFolder,
  putFolder,
  withFolderBeside,
  writableCache,
} from "../../../packages/cache.ts";
import { type PinnedPackage, fetchTarball, unpackTarball } from "../../../packages/tarball.ts";
import type { PackageUse } from "../../../packages/wheels.ts";

/** The package whose library is fetched where it is not installed whole. */
export const PINNED: PinnedPackage = {
  name: "onnxruntime-node",
  version: "1.30.0",
  integrity:
    "sha512-twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw==",
};

/** The platforms that it holds libraries for. */
const PLATFORMS = ["darwin-arm64", "linux-arm64", "linux-x64", "win32-arm64", "win32-x64"];

const USE: PackageUse = {
  code: "engine",
  things: "ONNX Runtime",
  otherwise: `install the whole package: npm install ${PINNED.name}@${PINNED.version}.`,
};

const LIBRARY = /^(libonnxruntime\.so\.\d+|libonnxruntime\.\d+\.\d+\.\d+\.dylib|onnxruntime\.dll)$/;

/** Where a folder below the cache holds the library of a platform. */
const folderIn = (cache: string, platform: string): string =>
  join(cache, "onnxruntime", PINNED.version, platform);

function libraryIn(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const file = readdirSync(folder).find((name) => LIBRARY.test(name));
  return file && join(folder, file);
}

/** The library of an installed `onnxruntime-node`; undefined where it is not installed, or not for this platform. */
function installedLibrary(): string | undefined {
  try {
    const main = createRequire(import.meta.url).resolve(PINNED.name);
    return libraryIn(join(dirname(main), "..", "bin", "napi-v6", process.platform, process.arch));
  } catch {
    return undefined;
  }
}

let fetched: string | undefined;

/** The library that is there already; undefined where {@link fetchLibrary} has to bring it. */
export function findLibrary(): string | undefined {
  const { platform, arch } = process;
  return (
    installedLibrary() ??
    fetched ??
    libraryIn(folderIn(cacheFolder("engines"), `${platform}-${arch}`))
  );
}

/** Options of {@link fetchLibrary}. */
export interface FetchOptions {
  /** Told what is done, line by line; default: a line on the standard error stream. */
  readonly report?: (line: string) => void;
  /** Default: this machine's, such as "linux-x64". */
  readonly platform?: string;
  /** Default: the pinned version of onnxruntime-node. */
  readonly source?: PinnedPackage;
}

/**
 * The library, fetched from the configured npm registry and checked where it is not there: of the five platforms in the
 * package only this one's folder is kept.
 */
export async function fetchLibrary({
  report = (line) => void process.stderr.write(`ocelli: ${line}\n`),
  platform = `${process.platform}-${process.arch}`,
  source = PINNED,
}: FetchOptions = {}): Promise<string> {
  if (!PLATFORMS.includes(platform)) {
    throw new OcelliError(
      "engine",
      `ONNX Runtime has no library for ${platform} in ${source.name}.`,
      {
        given: platform,
        valid: PLATFORMS,
        hint: `It has: ${PLATFORMS.join(", ")}.`,
      },
    );
  }
  const folder = folderIn(await writableCache(cacheFolder("engines"), report), platform);
  const kept = libraryIn(folder);
  if (kept) return (fetched = kept);
  await withFolderBeside(folder, async (partial) => {
    report(`fetching ${source.name} ${source.version} once, to keep its library for ${platform}`);
    const archive = join(partial, "package.tgz");
    const content = join(partial, "content");
    await fetchTarball(USE, source, archive);
    await mkdir(content);
    const inside = `package/bin/napi-v6/${platform.replace("-", "/")}/`;
    await unpackTarball(archive, content, (name) =>
      name.startsWith(inside) ? name.slice(inside.length) : undefined,
    );
    if (!libraryIn(content)) {
      throw new OcelliError(
        "engine",
        `${source.name} ${source.version} holds no library for ${platform}.`,
      );
    }
    await putFolder(content, folder);
  });
  return (fetched = libraryIn(folder)!);
}
