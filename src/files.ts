/** @file Files of this machine: read only where they are regular ones, and written so that they appear whole or not at all. */

import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
} from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { OcelliError } from "./errors.ts";

/** What the name of a file that is being written ends with. */
const PARTIAL = ".partial";

/** Opening a pipe or a terminal must neither wait nor take hold of it; flags that Windows lacks are zero there. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
const NO_LINK = constants.O_NOFOLLOW ?? 0;

/** A refusal with a code as the system's errors have one. */
const refusal = (code: string, message: string): Error =>
  Object.assign(new Error(message), { code });

const IS_LINK = () => refusal("ELINK", "it is a link");

interface Kind {
  isFile(): boolean;
  isDirectory(): boolean;
}

function checkRegular(found: Kind): void {
  if (found.isDirectory()) throw refusal("EISDIR", "it is a folder");
  if (!found.isFile()) throw refusal("ENOTREG", "it is a device, a pipe or a socket, not a file");
}

/** An open file, closed again where it is not a regular one. */
async function regular(file: FileHandle): Promise<FileHandle> {
  try {
    checkRegular(await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The same for a file descriptor. */
function regularSync(file: number): number {
  try {
    checkRegular(fstatSync(file));
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Opens a file for reading, by way of links; anything but a regular file is refused, without waiting for a pipe. */
export const openRegular = async (path: string): Promise<FileHandle> =>
  regular(await open(path, READ));

/** The same for a file whose place others decide, such as one in a run folder: a link is refused too. */
export async function openOwn(path: string): Promise<FileHandle> {
  if (!NO_LINK && (await lstat(path)).isSymbolicLink()) throw IS_LINK();
  const file = await open(path, READ | NO_LINK).catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === "ELOOP" ? IS_LINK() : error;
  });
  return regular(file);
}

/** A regular file, by way of links, at once. The file descriptor is the caller's. */
export const openRegularSync = (path: string): number => regularSync(openSync(path, READ));

/** The bytes of a regular file that is no link; one of more than `maxBytes` is refused. */
export async function readOwn(path: string, maxBytes = Infinity): Promise<Buffer> {
  const file = await openOwn(path);
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw refusal("EFBIG", `it is of ${size} bytes, more than ${maxBytes}`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** The same, at once. */
export function readOwnSync(path: string): Buffer {
  if (!NO_LINK && lstatSync(path).isSymbolicLink()) throw IS_LINK();
  const file = regularSync(openSync(path, READ | NO_LINK));
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** Opens a file that grows, at its end; a link in its place is refused. The file descriptor is the caller's. */
export function openGrowing(path: string): number {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) throw IS_LINK();
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | NO_LINK;
  return regularSync(openSync(path, flags | (constants.O_NONBLOCK ?? 0), 0o666));
}

/** Makes a folder inside one whose content others decide; a link in its place is refused. */
export async function makeOwnFolder(path: string): Promise<void> {
  await mkdir(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  });
  const found = await lstat(path);
  if (found.isSymbolicLink()) throw IS_LINK();
  if (!found.isDirectory()) throw refusal("EEXIST", "a file is in its way");
}

/** Makes a folder and those above it; Node's own way to do so never ends where the system has no room for folders. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(folder)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(folder) === folder || existsSync(dirname(folder))) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  }
}

/** The same, of a path that someone named. @throws a disk error that says which folder and why */
export const makeNamedFolder = (folder: string): Promise<void> =>
  makeFolder(resolve(folder)).catch((error: unknown) => {
    throw diskError(folder, error);
  });

/** The names in such a folder; none where it is absent, or a link. */
export async function listOwnFolder(path: string): Promise<string[]> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isDirectory() ? readdir(path).catch(() => []) : [];
}

/** A new name beside a path that nobody can foresee; it is no longer than names may be. */
export function nameBeside(path: string): string {
  const stem = [...basename(path)].slice(0, 40).join("");
  return join(dirname(path), `${stem}.${randomBytes(8).toString("hex")}${PARTIAL}`);
}

/** A file that is being written beside its place. */
export interface BesideFile {
  readonly file: FileHandle;
  /** Where it is being written. */
  readonly temporary: string;
  /** Flushes it to the disk and puts it into its place. */
  commit(): Promise<void>;
  /** Gives it up. */
  discard(): Promise<void>;
}

/** Opens a file beside a path, exclusively: whatever lay there already, a link too, would be an error. */
export async function openBeside(path: string): Promise<BesideFile> {
  const temporary = nameBeside(path);
  const file = await open(temporary, "wx");
  return {
    file,
    temporary,
    async commit() {
      await file.sync();
      await file.close();
      await putInPlace(temporary, path);
    },
    async discard() {
      await file.close().catch(() => undefined);
      await rm(temporary, { force: true }).catch(() => undefined);
    },
  };
}

/** Renames a whole file into its place, where a file or a link may lie, but no device; and flushes the folder. */
export async function putInPlace(temporary: string, path: string): Promise<void> {
  const before = await lstat(path).catch(() => undefined);
  if (before && !before.isSymbolicLink()) checkRegular(before);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/**
 * Writes a file by way of a temporary one beside it: written, flushed to the disk, renamed, and the folder flushed.
 * Whatever interrupts it, the path holds the old content or the new. A link in its place is replaced, not followed.
 * Chunks are asked for one after another.
 *
 * @throws a disk error that says which file and why
 */
export async function writeAtomically(
  path: string,
  content: string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const chunks = typeof content === "string" ? [new TextEncoder().encode(content)] : content;
  let beside: BesideFile | undefined;
  try {
    beside = await openBeside(path);
    for await (const chunk of chunks) await beside.file.writeFile(chunk);
    await beside.commit();
  } catch (error) {
    await beside?.discard();
    throw diskError(path, error);
  }
}

/** Names that {@link nameBeside} gives, and those that checkpoints were once written under. */
const LEFT_BEHIND = /\.[0-9a-f]{16}\.partial$|^step-\d+\.safetensors\.partial$/;

/** Removes what interrupted writes left in a folder. Only who has the folder for itself may do so. */
export async function removePartials(folder: string): Promise<void> {
  for (const name of await listOwnFolder(folder)) {
    if (LEFT_BEHIND.test(name)) await rm(join(folder, name), { force: true });
  }
}

/** Flushes a folder's entries; Windows cannot open folders and flushes them itself, some file systems need no flush. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } catch (error) {
    if (!["EINVAL", "ENOTSUP"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    await folder.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would exceed the size that is allowed",
  EROFS: "the disk is read-only",
  EACCES: "that is not permitted",
  EPERM: "that is not permitted",
  ENOENT: "there is no such folder",
  EIO: "the disk failed",
  EISDIR: "a folder is in its way",
  EEXIST: "a file is in its way",
  ENOTDIR: "a file is in its way",
  ELINK: "a link is in its way, and links are not followed here",
  ENOTREG: "a device, a pipe or a socket is in its way",
};

/** Why the system refused to write, in words where it is known. */
export const reasonOf = (code: string): string =>
  Object.hasOwn(REASONS, code) ? `${REASONS[code]} (${code})` : code;

/** The error for a file that could not be written, where the system says why; other errors as they are. */
export function diskError(path: string, cause: unknown): unknown {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || cause instanceof OcelliError) return cause;
  return new OcelliError("disk", `cannot write ${path}: ${reasonOf(code)}.`, { cause });
}

/** A number of bytes for people. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}
