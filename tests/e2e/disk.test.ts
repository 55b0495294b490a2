/** @file A disk that is full, a folder that cannot be written: said in one line, and nothing is lost. */

import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { smallConfig, startCli, writeDigits } from "./small-run.ts";

const STEPS = 40;

let dir: string;
let config: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-disk-"));
  await writeDigits(dir);
  config = join(dir, "small.ts");
  await writeFile(config, `export default ${JSON.stringify(smallConfig(dir, STEPS))};\n`);
});
afterAll(() => rm(dir, { recursive: true }));

const isMountable = (): boolean => {
  const trial = spawnSync("bash", [
    "-c",
    'd=$(mktemp -d); mount -t tmpfs none "$d" && umount "$d"',
  ]);
  return trial.status === 0;
};

async function expectFinished(run: string): Promise<void> {
  const resumed = startCli(["train", "--resume", run]);
  expect(await resumed.ended, resumed.text()).toBe(0);
  const result = JSON.parse(await readFile(join(run, "result.json"), "utf8")) as object;
  expect(result).toMatchObject({ steps: STEPS, interrupted: false });
}

test("a file larger than is allowed ends training with one line; with room it goes on", async () => {
  const run = join(dir, "limited");
  const process = startCli(["train", config, "--workdir", run], "ulimit -f 100");
  expect(await process.ended).toBe(1);
  expect(process.text()).toMatch(
    /\nocelli: cannot write \S+step-000000010.safetensors: the file would exceed the size that is allowed \(EFBIG\)\.\n/,
  );
  expect(process.text()).toContain(`resume with: ocelli train --resume ${run}`);
  expect(await readdir(join(run, "checkpoints"))).toEqual([]);
  await expectFinished(run);
});

test.skipIf(!isMountable())(
  "a full disk keeps the last checkpoint; with room training goes on",
  async () => {
    const mounted = join(dir, "mounted");
    await mkdir(mounted);
    const shell = (command: string) => expect(spawnSync("bash", ["-c", command]).status).toBe(0);
    shell(`mount -t tmpfs -o size=700k none ${mounted}`);
    try {
      const run = join(mounted, "run");
      const process = startCli(["train", config, "--workdir", run]);
      expect(await process.ended).toBe(1);
      expect(process.text()).toContain("step-000000030.safetensors: the disk is full (ENOSPC).");
      const kept = ["step-000000010.safetensors", "step-000000020.safetensors"];
      expect((await readdir(join(run, "checkpoints"))).sort()).toEqual(kept);
      shell(`mount -o remount,size=4m ${mounted}`);
      await expectFinished(run);
    } finally {
      shell(`umount ${mounted}`);
    }
  },
);

test("a folder that cannot be made is said before training", async () => {
  const process = startCli(["train", config, "--workdir", "/proc/ocelli/run"]);
  expect(await process.ended).toBe(2);
  expect(process.text()).toContain(
    "ocelli: the run folder /proc/ocelli/run cannot be written: there is no such folder",
  );
});

test("the folder of an unfinished run says how to resume it", async () => {
  const run = join(dir, "stopped");
  const process = startCli(["train", config, "--workdir", run], "ulimit -f 100");
  await process.ended;
  const again = startCli(["train", config, "--workdir", run]);
  expect(await again.ended).toBe(2);
  expect(again.text()).toContain(
    `It has not finished; resume it with: ocelli train --resume ${run}. Or choose another --workdir.`,
  );
});
