/** @file A run that is killed and resumed gives what an unbroken run gives: every byte, but for timings. */

import { existsSync, watch } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../src/random.ts";
import {
  type Process,
  metricsOf,
  smallConfig,
  startCli,
  statesOf,
  writeDigits,
} from "./small-run.ts";

const KILLS = Number(process.env.OCELLI_KILLS ?? (process.env.OCELLI_LONG ? 20 : 3));
/** Steps of the training: enough that every kill finds it at work. */
const STEPS = 60;

let dir: string;
let config: string;
let unbroken: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-resume-"));
  await writeDigits(dir);
  config = join(dir, "small.ts");
  await writeFile(config, `export default ${JSON.stringify(smallConfig(dir, STEPS))};\n`);
  unbroken = join(dir, "unbroken");
  const process = startCli(["train", config, "--workdir", unbroken]);
  expect(await process.ended, process.text()).toBe(0);
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

async function expectSame(run: string): Promise<void> {
  expect(await metricsOf(run)).toEqual(await metricsOf(unbroken));
  const served = (folder: string) => readFile(join(folder, "checkpoint.safetensors"));
  expect((await served(run)).equals(await served(unbroken))).toBe(true);
  expect(await statesOf(run)).toEqual(await statesOf(unbroken));
}

/** Starts a run, or goes on with it where it can be. */
const goOn = (run: string): Process =>
  startCli(
    existsSync(join(run, "config.json"))
      ? ["train", "--resume", run]
      : ["train", config, "--workdir", run],
  );

/** Resolves as soon as a checkpoint is being written, or a process has ended. */
async function writing(run: string, ended: Promise<unknown>): Promise<void> {
  const folder = join(run, "checkpoints");
  await mkdir(folder, { recursive: true });
  const stop = new AbortController();
  const seen = new Promise<void>((resolve) => {
    const watcher = watch(folder, { signal: stop.signal }, (_, name) => {
      if (name?.endsWith(".partial")) resolve();
    });
    watcher.on("error", () => undefined);
  });
  await Promise.race([seen, ended]);
  stop.abort();
}

test(
  `${KILLS} kills at random moments change nothing`,
  { timeout: 60_000 + KILLS * 20_000 },
  async () => {
    const random = seededRandom("kills", 7);
    let left = KILLS;
    let partial = 0;
    for (let round = 0; left > 0; round++) {
      const run = join(dir, `killed-${round}`);
      for (let finished = false; !finished;) {
        const process = goOn(run);
        if (left > 0) {
          // Every other kill comes while a checkpoint is written, the others at any time, the start included.
          const moment = random.uniform();
          if (left % 2 === 0) {
            for (let i = random.integer(1, 5); i > 0; i--) await writing(run, process.ended);
          } else await Promise.race([sleep(200 + 2000 * moment), process.ended]);
          process.kill("SIGKILL");
        }
        const code = await process.ended;
        // what was killed on its way out has finished all the same
        finished = code === 0 || existsSync(join(run, "result.json"));
        if (code !== 0) {
          expect(code, process.text()).toBe(null);
          left--;
          const files = await readdir(join(run, "checkpoints")).catch(() => []);
          if (files.some((name) => name.endsWith(".partial"))) partial++;
        }
      }
      await expectSame(run);
      await rm(run, { recursive: true });
    }
    if (KILLS >= 20) expect(partial).toBeGreaterThan(0);
  },
);

test("a damaged checkpoint is named, and the one before it serves", async () => {
  const run = join(dir, "damaged");
  const process = startCli(["train", config, "--workdir", run]);
  while (!process.text().includes("step 49/")) await sleep(5);
  process.kill("SIGKILL");
  await process.ended;
  const folder = join(run, "checkpoints");
  const newest = (await readdir(folder))
    .filter((name) => name.endsWith("s"))
    .sort()
    .at(-1)!;
  const bytes = await readFile(join(folder, newest));
  bytes[bytes.length - 100] ^= 1;
  await writeFile(join(folder, newest), bytes);
  const again = goOn(run);
  expect(await again.ended, again.text()).toBe(0);
  expect(again.text()).toContain(`damaged ${newest}; the one before it serves`);
  await expectSame(run);
});

test("what cannot be resumed says so", async () => {
  const said = async (...args: string[]): Promise<string> => {
    const process = startCli(["train", ...args]);
    expect(await process.ended).toBe(2);
    return process.text();
  };
  expect(await said("--resume", join(dir, "none"))).toContain("holds no run to resume");
  expect(await said("--resume", unbroken)).toContain("has finished; there is nothing to resume");
  expect(await said("--resume", unbroken, "--batchSize", "8")).toContain(
    "--resume RUN takes neither a configuration nor --batchSize.",
  );
});
