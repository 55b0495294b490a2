/**
 * @file One writer at a time: a folder's lock, which says which process of which machine writes there.
 *
 * Every process makes a lock file of its own, with a name that no other has, and then looks for others. Of two that
 * begin at once at least one sees the other and gives way, and removing the lock of a process that has ended can never
 * remove another's: no moment is left in which two take over the same stale lock.
 */

import { randomBytes, randomInt } from "node:crypto";
import { rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OcelliError } from "../../errors.ts";
import { diskError, listOwnFolder, readOwn, reasonOf, removePartials } from "../../files.ts";
import { type Holder, parseHolder, stateOfHolder, thisProcess } from "./holder.ts";

/** What the name of a lock file ends with. */
const LOCK = ".lock";
/** A lock file's time is renewed this often, in milliseconds, for machines that cannot ask for its process. */
const BEAT = 5000;
/** A lock whose process cannot be asked for is stale when its time stood still for so long, in milliseconds. */
const PATIENCE = 120_000;
/** Between two looks at such a lock. */
const LOOK = 1000;
/** Tries where several processes begin at the same moment, and the longest wait between two. */
const TRIES = 4;
const LONGEST_WAIT = 250;
/** A lock file without content is being written, or was when its process was killed: how long the former may take. */
const WRITING = 1000;
const MAX_BYTES = 4096;

/** Options of {@link lockFolder}. */
export interface LockOptions {
  /** Told when a stale lock is taken over, and before one is watched. */
  readonly report?: (line: string) => void;
  /** Milliseconds that a lock of another machine is watched. */
  readonly patience?: number;
}

/** A folder that only this process writes. */
export interface FolderLock {
  /** An error where the lock is gone: whoever removed it may write now. */
  check(): void;
  release(): void;
}

/** Lock files of this process, to be removed at its end. */
const held = new Set<string>();
process.on("exit", () => {
  for (const path of held) rmSync(path, { force: true });
});

/**
 * Locks a folder for this process. The lock of a process that has ended is taken over, which is reported.
 *
 * @throws an argument error where another process writes there, with its number and machine, or the folder is read-only
 */
export async function lockFolder(
  folder: string,
  { report = () => undefined, patience = PATIENCE }: LockOptions = {},
): Promise<FolderLock> {
  for (let tried = 1; ; tried++) {
    const lock = makeLock(folder);
    try {
      const other = await findOther(folder, lock.path, { report, patience });
      if (!other) return lock;
      lock.release();
      if (tried === TRIES) throw inUse(folder, other);
    } catch (error) {
      lock.release();
      throw error;
    }
    await sleep(randomInt(LONGEST_WAIT));
  }
}

/** Makes a folder where it is absent, and has it locked, without what interrupted writes left, as long as `use` runs. */
export async function inLockedFolder<T>(
  folder: string,
  options: LockOptions,
  use: () => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw diskError(folder, error);
  });
  const lock = await lockFolder(folder, options);
  try {
    await removePartials(folder);
    return await use();
  } finally {
    lock.release();
  }
}

/** A process that has a folder, and its lock's file. */
interface Other extends Holder {
  readonly file: string;
}

const describe = ({ pid, host }: Holder): string => `process ${pid} on ${host}`;

function inUse(folder: string, other: Other): OcelliError {
  return new OcelliError("argument", `${folder} is being written by ${describe(other)}.`, {
    given: folder,
    hint: `Wait for its end, or stop it. If it has ended, remove ${other.file}.`,
  });
}

/** The process that a folder's lock names, and how it stands; undefined where there is no lock. */
export async function writerOf(folder: string) {
  for (const name of await listOwnFolder(folder)) {
    if (!name.endsWith(LOCK)) continue;
    const text = await readOwn(join(folder, name), MAX_BYTES).catch(() => "");
    const holder = parseHolder(String(text));
    if (holder) return { name: describe(holder), state: stateOfHolder(holder, folder) };
  }
  return undefined;
}

function makeLock(folder: string): FolderLock & { readonly path: string } {
  const path = join(folder, `writer-${randomBytes(8).toString("hex")}${LOCK}`);
  let place: bigint;
  try {
    const text = `${JSON.stringify(thisProcess(folder))}\n`;
    writeFileSync(path, text, { flag: "wx" });
    place = statSync(path, { bigint: true }).ino;
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    throw new OcelliError("argument", `${folder} cannot be written: ${reasonOf(code)}.`, { cause });
  }
  held.add(path);
  const beat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {
      // It is gone, which the next write finds out.
    }
  }, BEAT).unref();
  return {
    path,
    check() {
      if (statSync(path, { bigint: true, throwIfNoEntry: false })?.ino === place) return;
      throw new OcelliError("disk", `${folder} is no longer this process's: its lock is gone.`, {
        hint: "Another process may write there; nothing more is written by this one.",
      });
    },
    release() {
      clearInterval(beat);
      if (!held.delete(path)) return;
      try {
        unlinkSync(path);
      } catch {
        // The folder, or the lock, was removed by somebody.
      }
    },
  };
}

/** A process beside this one that has the folder; undefined where there is none. Stale locks are removed on the way. */
async function findOther(
  folder: string,
  own: string,
  { report, patience }: Required<LockOptions>,
): Promise<Other | undefined> {
  for (const name of await listOwnFolder(folder)) {
    const file = join(folder, name);
    if (!name.endsWith(LOCK) || file === own) continue;
    const holder = await readHolder(file);
    const state = holder === undefined ? "ended" : stateOfHolder(holder, folder);
    if (holder !== undefined && state === "alive") return { ...holder, file };
    if (holder !== undefined && state === "unknown") {
      report(
        `${folder} is locked by ${describe(holder)}, which cannot be asked for from here; ` +
          `watching for ${Math.ceil(patience / 1000)} s whether it still writes`,
      );
      if (await beats(file, patience)) return { ...holder, file };
    }
    await rm(file, { force: true });
    if (holder) report(`took over ${folder} from ${describe(holder)}, which has ended`);
  }
  return undefined;
}

/** Who holds a lock; undefined where its file is gone, or was never written. */
async function readHolder(file: string): Promise<Holder | undefined> {
  const read = () =>
    readOwn(file, MAX_BYTES).then(
      (bytes) => parseHolder(String(bytes)),
      () => undefined,
    );
  const holder = await read();
  if (holder) return holder;
  await sleep(WRITING);
  return read();
}

/** Whether a lock's time moves; it is not compared with any clock. */
async function beats(file: string, patience: number): Promise<boolean> {
  const time = () => stat(file).then(({ mtimeMs }) => mtimeMs, () => undefined); // prettier-ignore
  const first = await time();
  for (let waited = 0; first !== undefined && waited < patience; waited += LOOK) {
    await sleep(Math.min(LOOK, patience));
    const now = await time();
    if (now === undefined) return false;
    if (now !== first) return true;
  }
  return false;
}
