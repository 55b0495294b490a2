import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  utimes,
  writeFile,
} from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Holder, parseHolder, stateOfHolder, thisProcess } from "./holder.ts";
import { lockFolder } from "./lock.ts";
import { Run } from "../run.ts";

let dir: string;
let count = 0;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-lock-"))));
afterAll(() => rm(dir, { recursive: true }));

async function newFolder(): Promise<string> {
  const folder = join(dir, String(count++));
  await mkdir(folder);
  return folder;
}

/** Puts the lock of another process into a folder. */
async function lockAs(folder: string, change: Partial<Holder>): Promise<string> {
  const file = join(folder, "writer-0123456789abcdef.lock");
  await writeFile(file, JSON.stringify({ ...thisProcess(folder), ...change }));
  return file;
}

/** A number that no process has: of one that has just ended. */
async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid!;
}

/** Locks a folder; what was said of it. */
async function lockSaying(folder: string, patience?: number) {
  const said: string[] = [];
  const lock = await lockFolder(folder, { report: (line) => said.push(line), patience });
  return { lock, said };
}

test("a folder is locked once, and free again when it is released", async () => {
  const folder = await newFolder();
  const { lock, said } = await lockSaying(folder);
  await expect(lockFolder(folder)).rejects.toThrow(
    `${folder} is being written by process ${process.pid} on ${hostname()}.`,
  );
  lock.release();
  (await lockFolder(folder)).release();
  expect(said).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});

test("the lock of a process that has ended is taken over, and said", async () => {
  const folder = await newFolder();
  const pid = await endedPid();
  await lockAs(folder, { pid });
  const { lock, said } = await lockSaying(folder);
  expect(said).toEqual([
    `took over ${folder} from process ${pid} on ${hostname()}, which has ended`,
  ]);
  lock.release();
});

test.runIf(process.platform === "linux")(
  "a number that another process has now is no holder",
  async () => {
    const folder = await newFolder();
    await lockAs(folder, { pid: process.ppid, started: "1" });
    const { lock, said } = await lockSaying(folder);
    expect(said[0]).toMatch(/^took over/);
    lock.release();
  },
);

test("the lock of this machine's last start is stale; one copied with its folder is of another", async () => {
  const folder = await newFolder();
  const here = { ...thisProcess(folder), machine: "m" };
  const copied = join(dir, "copied");
  const lock = await lockFolder(folder);
  await cp(folder, copied, { recursive: true });
  (await lockFolder(copied)).release();
  lock.check();
  lock.release();
  expect(stateOfHolder({ ...here, boot: "earlier" }, folder)).toBe("unknown");
  const real = thisProcess(folder);
  if (real.machine !== "") {
    expect(stateOfHolder({ ...real, boot: "earlier" }, folder)).toBe("ended");
  }
  expect(stateOfHolder({ ...real, namespace: "pid:[1]" }, folder)).toBe("unknown");
});

test("another machine's lock is watched: it stays where its time moves, and is stale where it stands still", async () => {
  const folder = await newFolder();
  const file = await lockAs(folder, { host: "elsewhere", pid: 12 });
  const began = lockSaying(folder, 4000);
  let beat = 1e9;
  const timer = setInterval(() => void utimes(file, ++beat, beat), 300); // long ago, and not the same
  await expect(began).rejects.toThrow(`${folder} is being written by process 12 on elsewhere.`);
  clearInterval(timer);
  const { lock, said } = await lockSaying(folder, 1500);
  expect(said).toEqual([
    `${folder} is locked by process 12 on elsewhere, which cannot be asked for from here; watching for 2 s whether it still writes`,
    `took over ${folder} from process 12 on elsewhere, which has ended`,
  ]);
  lock.release();
}, 30_000);

test("a lock that was never written, or says nonsense, is no lock", async () => {
  const folder = await newFolder();
  await writeFile(join(folder, "writer-0.lock"), "");
  (await lockFolder(folder)).release();
  for (const pid of [0, -1, 1.5, 2 ** 40, "1", null]) {
    expect(parseHolder(JSON.stringify({ ...thisProcess(folder), pid }))).toBeUndefined();
  }
  for (const text of ["", "[]", "{", "null", '{"pid":1}'])
    expect(parseHolder(text)).toBeUndefined();
});

test("of many processes that begin at once, at most one has the folder at a time", async () => {
  const folder = await newFolder();
  await lockAs(folder, { pid: await endedPid() });
  const program = `
    import { appendFileSync } from "node:fs";
    import { lockFolder } from ${JSON.stringify(join(import.meta.dirname, "lock.ts"))};
    const log = (word) => appendFileSync(${JSON.stringify(join(dir, "log"))}, word + " " + process.pid + "\\n");
    try {
      const lock = await lockFolder(${JSON.stringify(folder)});
      log("in");
      await new Promise((resolve) => setTimeout(resolve, 400));
      lock.check();
      log("out");
      lock.release();
    } catch (error) { log(error.code); }`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" }),
  );
  await Promise.all(children.map((child) => once(child, "exit")));
  const lines = (await readFile(join(dir, "log"), "utf8")).trim().split("\n").map((line) => line.split(" ")); // prettier-ignore
  const order = lines.filter(([word]) => word !== "argument");
  expect(lines).toHaveLength(children.length + order.length / 2);
  for (let i = 0; i < order.length; i += 2) {
    expect(order.slice(i, i + 2)).toEqual([["in", order[i][1]], ["out", order[i][1]]]); // prettier-ignore
  }
}, 60_000);

test("who has lost the lock writes no more", async () => {
  const folder = await newFolder();
  const run = await Run.create(folder);
  run.log({ step: 1, loss: 1 });
  const [name] = (await readdir(folder)).filter((entry) => entry.endsWith(".lock"));
  await rm(join(folder, name));
  expect(() => run.log({ step: 2, loss: 1 })).toThrow("its lock is gone");
  await expect(run.writeJson("config", {})).rejects.toThrow("its lock is gone");
  await expect(run.writeCheckpoint([])).rejects.toThrow("its lock is gone");
  await expect(run.checkpoints.write(1, [], { keep: 1 })).rejects.toThrow("its lock is gone");
  run.close();
});

test.skipIf(process.getuid?.() === 0)("a folder that may only be read is an error", async () => {
  const folder = await newFolder();
  await chmod(folder, 0o555);
  await expect(Run.create(folder)).rejects.toThrow("cannot be written: that is not permitted");
});
