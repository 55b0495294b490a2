/** @file Some members of an npm package: its tarball is fetched from the configured registry, checked, and read once. */

import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { createGunzip } from "node:zlib";
import { OcelliError } from "../errors.ts";
import { diskError } from "../files.ts";
import { formatError } from "../formats/bytes.ts";
import { TAR_BLOCK, paddedSize, readName, readPax, readTarHeader } from "../formats/tar.ts";
import { type NpmSettings, npmSettings } from "./npm-settings.ts";
import { RequestError, requestFile, requestText, show } from "./request.ts";
import { type PackageUse, indexErrors, pathInside } from "./wheels.ts";

/** A published package of npm, exactly. */
export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** Of its tarball, as lock files have it: `sha512-` and base64. */
  readonly integrity: string;
}

/** Fetches a package's tarball into a file; an error where it is not the pinned one. */
export async function fetchTarball(
  use: PackageUse,
  { name, version, integrity }: PinnedPackage,
  path: string,
): Promise<void> {
  const settings = npmSettings();
  const digest = await indexErrors(use, `${name} ${version}, for ${use.things},`, async () => {
    return requestFile(await tarballOf(name, version, settings), path, settings.access, "sha512");
  });
  const found = `sha512-${digest.toString("base64")}`;
  if (found === integrity) return;
  throw new OcelliError(use.code, `${name} ${version} has ${found}, not the pinned ${integrity}.`, {
    hint: "Nothing was installed: the registry served another file.",
  });
}

/** npm's own host in a description stands for the registry that it was asked from, which may be a mirror. */
const PUBLIC_HOST = "registry.npmjs.org";

/** Where a registry has the tarball of a version. */
async function tarballOf(
  name: string,
  version: string,
  { registry, access }: NpmSettings,
): Promise<URL> {
  const page = new URL(`${name}/${version}`, registry);
  const { text } = await requestText(page, access, "application/json");
  const place = placeIn(text);
  if (place === undefined || !URL.canParse(place, page)) {
    throw new RequestError(`${show(page)} names no tarball`, 400);
  }
  const url = new URL(place, page);
  return url.host === PUBLIC_HOST
    ? new URL(`${registry.href}${url.pathname.replace(/^\//, "")}`)
    : url;
}

function placeIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { dist?: { tarball?: string } }).dist?.tarball;
  } catch {
    return undefined;
  }
}

/** More than the names and attributes of any member. */
const MAX_SMALL = 1 << 20;

/**
 * Writes those members of a gzipped tar archive that `placeOf` gives a path below a folder; resolves to how many. What is
 * held at once is a piece of the archive.
 */
export async function unpackTarball(
  archive: string,
  folder: string,
  placeOf: (name: string) => string | undefined,
): Promise<number> {
  const source = createReadStream(archive);
  const bytes = source.pipe(createGunzip());
  source.on("error", (error) => bytes.destroy(error)); // which pipe does not pass on
  try {
    return await unpackMembers(new Pieces(bytes, archive), archive, folder, placeOf);
  } finally {
    source.destroy();
    bytes.destroy();
  }
}

async function unpackMembers(
  pieces: Pieces,
  archive: string,
  folder: string,
  placeOf: (name: string) => string | undefined,
): Promise<number> {
  let written = 0;
  let next: { name?: string; size?: number } = {};
  for (;;) {
    const header = readTarHeader(await pieces.read(TAR_BLOCK), archive);
    if (!header) return written;
    const { kind, size: stated } = header;
    if (kind === "long-name" || kind === "pax") {
      next = { ...next, ...(await readNote(pieces, kind, stated, archive)) };
      continue;
    }
    const { name = header.name, size = stated } = next;
    next = {};
    const place = kind === "file" ? placeOf(name) : undefined;
    if (place === undefined) await pieces.pass(paddedSize(size), () => undefined);
    else {
      await writeMember(pieces, size, pathInside(folder, place, archive));
      await pieces.pass(paddedSize(size) - size, () => undefined);
      written++;
    }
  }
}

async function readNote(
  pieces: Pieces,
  kind: "long-name" | "pax",
  size: number,
  archive: string,
): Promise<{ name?: string; size?: number }> {
  if (size > MAX_SMALL) throw formatError(`${archive}: a name of ${size} bytes is refused.`);
  const content = (await pieces.read(paddedSize(size))).subarray(0, size);
  if (kind === "long-name") return { name: readName(content, archive) };
  const attributes = readPax(content, archive);
  const name = attributes.get("path");
  const long = attributes.get("size");
  return {
    ...(name === undefined ? {} : { name }),
    ...(long === undefined ? {} : { size: Number(long) }),
  };
}

async function writeMember(pieces: Pieces, size: number, path: string): Promise<void> {
  let file: FileHandle | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    file = await open(path, "wx");
    await pieces.pass(size, (piece) => file!.writeFile(piece));
  } catch (error) {
    throw diskError(path, error);
  } finally {
    await file?.close();
  }
}

/** A stream that is read in lengths of one's choice. */
class Pieces {
  readonly #from: AsyncIterator<Uint8Array>;
  readonly #what: string;
  #rest: Uint8Array = new Uint8Array();

  constructor(from: AsyncIterable<Uint8Array>, what: string) {
    this.#from = from[Symbol.asyncIterator]();
    this.#what = what;
  }

  /** Gives the next `length` bytes piece after piece. */
  async pass(length: number, take: (piece: Uint8Array) => unknown): Promise<void> {
    for (let left = length; left > 0;) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      await take(piece);
    }
  }

  async read(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let at = 0;
    await this.pass(length, (piece) => {
      bytes.set(piece, at);
      at += piece.length;
    });
    return bytes;
  }

  async #next(): Promise<Uint8Array> {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await this.#from.next();
    } catch (cause) {
      throw formatError(`${this.#what} is no gzip file, or damaged.`, cause);
    }
    if (next.done) throw formatError(`${this.#what} is truncated.`);
    return next.value;
  }
}
