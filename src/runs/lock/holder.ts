/** @file The process that a lock names: whether it still is the one, or has ended. */

import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { isObject } from "../read-config.ts";

/** Who holds a lock. What the system does not tell is empty. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** The machine's own number. */
  readonly machine: string;
  /** The machine's start: process numbers begin anew with it. */
  readonly boot: string;
  /** The space that process numbers count in, such as a container's. */
  readonly namespace: string;
  /** When the process started, in the system's own count: another process with its number has another. */
  readonly started: string;
  /** The folder's own number: a lock that was copied along with its folder is of another one. */
  readonly folder: string;
}

/** `unknown`: it runs on another machine, or where its number cannot be asked for from here. */
export type HolderState = "alive" | "ended" | "unknown";

const quiet = (read: () => string): string => {
  try {
    return read().trim();
  } catch {
    return "";
  }
};
const textOf = (path: string): string => quiet(() => readFileSync(path, "utf8"));
const folderNumber = (folder: string): string =>
  quiet(() => String(statSync(folder, { bigint: true }).ino));

let own: Omit<Holder, "folder"> | undefined;

/** This process, as holder of a folder's lock. */
export function thisProcess(folder: string): Holder {
  own ??= {
    pid: process.pid,
    host: hostname(),
    machine: textOf("/etc/machine-id"),
    boot: textOf("/proc/sys/kernel/random/boot_id"),
    namespace: quiet(() => readlinkSync("/proc/self/ns/pid")),
    started: startOf(process.pid) ?? "",
  };
  return { ...own, folder: folderNumber(folder) };
}

/** A holder from a lock's text; undefined where it is none. */
export function parseHolder(text: string): Holder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { pid, host, machine, boot, namespace, started, folder } = value;
  const texts = [host, machine, boot, namespace, started, folder];
  if (!texts.every((part) => typeof part === "string")) return undefined;
  if (!Number.isInteger(pid) || (pid as number) < 1 || (pid as number) >= 2 ** 31) return undefined;
  return value as unknown as Holder;
}

/** How the holder of a folder's lock stands, as far as this process can tell. */
export function stateOfHolder(holder: Holder, folder: string): HolderState {
  const here = thisProcess(folder);
  if (holder.host !== here.host) return "unknown";
  if (holder.boot !== here.boot) {
    const sameMachine = here.machine !== "" && holder.machine === here.machine;
    return sameMachine ? "ended" : "unknown"; // the machine was started again, or it is another of the same name
  }
  if (holder.namespace !== here.namespace) return "unknown";
  if (holder.folder !== here.folder) return "ended"; // a copy
  return isRunning(holder) ? "alive" : "ended";
}

function isRunning({ pid, started }: Holder): boolean {
  const now = startOf(pid);
  try {
    process.kill(pid, 0); // after the look at its start, which says nothing of one that has just ended
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return now !== undefined && (now === "" || started === "" || now === started);
}

/** When a process started; "" where the system does not tell, undefined where it has ended and nobody took notice yet. */
function startOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    // pid (name) state …: the name may hold blanks and brackets
    const [state, ...rest] = textOf(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
    if (state === "Z" || state === "X") return undefined;
    return rest[18] ?? ""; // the 22nd field
  }
  if (process.platform === "darwin") {
    return quiet(() => execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" })); // prettier-ignore
  }
  return "";
}
