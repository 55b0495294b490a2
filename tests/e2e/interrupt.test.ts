import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TrainResult } from "../../src/index.ts";
import { readCheckpoint } from "../../src/weights/checkpoint.ts";
import { type Process, smallConfig, startCli, writeDigits } from "./small-run.ts";

const PROGRAM = join(import.meta.dirname, "../../bin/ocelli.js");

let dir: string;
let config: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-interrupt-"));
  await writeDigits(dir);
  config = join(dir, "small.ts");
  const endless = smallConfig(dir, 1_000_000, { log: { steps: 1 } });
  await writeFile(config, `export default ${JSON.stringify(endless)};\n`);
});
afterAll(() => rm(dir, { recursive: true }));

/** Resolves when a process has said something. */
async function says({ text }: Process, part: string): Promise<void> {
  while (!text().includes(part)) await sleep(2);
}

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s finishes the step, saves, says how to go on, and ends with 130",
  async (signal) => {
    const workdir = join(dir, signal);
    const process = startCli(["train", config, "--workdir", workdir, "--json"]);
    await says(process, "step 5/");
    process.kill(signal);
    expect(await process.ended).toBe(130);
    const result = JSON.parse(process.text().trim().split("\n").at(-1)!) as TrainResult;
    expect(result).toMatchObject({ interrupted: true, evals: {}, workdir });
    expect(process.text()).toContain(`stopped after step ${result.steps}; saved ${workdir}`);
    expect(process.text()).toContain(`resume with: ocelli train --resume ${workdir}\n`);
    const saved = await readFile(join(workdir, "checkpoint.safetensors"));
    expect(readCheckpoint(saved, "saved").card.step).toBe(result.steps);

    const again = startCli(["train", "--resume", workdir]);
    await says(again, `step ${result.steps + 1}/`);
    expect(again.text()).toContain(`resumed after step ${result.steps}\n`);
    again.kill("SIGKILL");
    await again.ended;
  },
);

test("a run that began with weights goes on when they are gone", async () => {
  const begin = join(dir, "begin");
  const short = ["--duration", '{"steps":1}'];
  expect(await startCli(["train", config, "--workdir", begin, ...short]).ended).toBe(0);
  const workdir = join(dir, "begun");
  const process = startCli(["train", config, "--init.weights", begin, "--workdir", workdir]);
  await says(process, "step 5/");
  process.kill("SIGINT");
  expect(await process.ended).toBe(130);
  await rm(begin, { recursive: true });
  const again = startCli(["train", "--resume", workdir]);
  await says(again, "resumed after step");
  again.kill("SIGKILL");
  await again.ended;
});

test("a second Ctrl-C stops at once; what one wish is passed on as does not", async () => {
  const stoppable = JSON.stringify(join(import.meta.dirname, "../../src/cli/stoppable.ts"));
  const program = `
    import { stoppable } from ${stoppable};
    setInterval(() => undefined, 1000);
    await stoppable({ result: (text) => console.log(text) }, () => {
      console.log("begun");
      return new Promise(() => undefined);
    });`;
  for (const [second, code] of [
    ["SIGINT", 130],
    ["SIGHUP", null],
  ] as const) {
    // prettier-ignore
    const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += String(chunk)));
    const ended = once(child, "exit");
    while (!text.includes("begun")) await sleep(5);
    for (let i = 0; i < 3; i++) child.kill("SIGTERM");
    await sleep(500);
    expect(child.exitCode).toBe(null);
    child.kill(second);
    await sleep(500);
    if (code === null) child.kill("SIGKILL");
    expect((await ended)[0]).toBe(code);
    expect(text.match(/stopping after this step/g)).toHaveLength(1);
  }
});

/** Runs the program through a shell, in a process group of its own. */
function startShell(command: string, args: readonly string[]): ChildProcess {
  const options = { stdio: "ignore", detached: true } as const;
  return spawn("bash", ["-c", command, "bash", ...args], options);
}

const resultOf = async (workdir: string) =>
  JSON.parse(await readFile(join(workdir, "result.json"), "utf8")) as TrainResult;
const metricsIn = (workdir: string) =>
  readFile(join(workdir, "metrics.jsonl"), "utf8").catch(() => "");

test.each([
  ["| head -n 1", '"$@" | head -n 1'],
  ["2>&1 | head -n 1", '"$@" 2>&1 | head -n 1'],
  ["closed", '"$@" >&- 2>&-'],
  ["full", '"$@" > /dev/full 2> /dev/full'],
])("a training goes on to its end with an output that is %s", async (_, command) => {
  const workdir = join(dir, `output-${Date.now()}`);
  const args = ["train", config, "--workdir", workdir, "--duration", '{"steps":30}'];
  await once(startShell(command, [process.execPath, PROGRAM, ...args]), "exit");
  await expect
    .poll(() => resultOf(workdir), { timeout: 20_000 })
    .toMatchObject({
      steps: 30,
      interrupted: false,
    });
});

test("an output that is full is an error of one line to a command that only shows", async () => {
  const shell = spawnSync("bash", ["-c", '"$@" > /dev/full', "bash", process.execPath, PROGRAM, "models"]); // prettier-ignore
  expect(String(shell.stderr)).toBe("ocelli: standard output cannot be written: the disk is full (ENOSPC).\n"); // prettier-ignore
  expect(shell.status).toBe(1);
});

/** A Node that is too old, by which the launcher starts the packaged one; undefined where there is none. */
const OLD_NODE = (process.env.PATH ?? "")
  .split(":")
  .map((folder) => join(folder, "node"))
  .find((node) => {
    const version = spawnSync(node, ["-p", "process.versions.node"]).stdout;
    return version && /^(20|21|22\.([0-9]|1[0-7]))\./.test(String(version));
  });

test.runIf(OLD_NODE).each([
  ["SIGTERM", "the group"],
  ["SIGTERM", "the launcher"],
  ["SIGINT", "the group"],
  ["SIGHUP", "the launcher"],
  ["SIGKILL", "the launcher"],
] as const)("under a launcher, %s to %s saves", async (signal, who) => {
  const workdir = join(dir, `launched-${signal}-${who.replace(" ", "-")}`);
  const args = ["train", config, "--workdir", workdir];
  const child = startShell('exec "$@"', [OLD_NODE!, PROGRAM, ...args]);
  const ended = once(child, "exit");
  while ((await metricsIn(workdir)).split("\n").length < 4) await sleep(20);
  process.kill(who === "the group" ? -child.pid! : child.pid!, signal);
  expect(await ended).toEqual(signal === "SIGKILL" ? [null, signal] : [130, null]);
  await expect
    .poll(() => resultOf(workdir), { timeout: 20_000 })
    .toMatchObject({
      interrupted: true,
    });
  expect((await readdir(join(workdir, "checkpoints"))).length).toBeGreaterThan(0);
});

test.runIf(OLD_NODE)("a launcher dies with its child, by the same signal", async () => {
  const workdir = join(dir, "killed-child");
  const child = startShell('exec "$@"', [OLD_NODE!, PROGRAM, "train", config, "--workdir", workdir]); // prettier-ignore
  const ended = once(child, "exit");
  while ((await metricsIn(workdir)).split("\n").length < 4) await sleep(20);
  const [lock] = (await readdir(workdir)).filter((name) => name.endsWith(".lock"));
  const { pid } = JSON.parse(await readFile(join(workdir, lock), "utf8")) as { pid: number };
  expect(pid).not.toBe(child.pid);
  process.kill(pid, "SIGKILL");
  expect(await ended).toEqual([null, "SIGKILL"]);
});
