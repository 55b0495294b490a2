/** @file Runs that go on for longer than they were planned, or over other images than they were begun with. */

import { mkdtemp, readFile, rm, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigInput, resume, train } from "../../src/index.ts";
import { runCli } from "./run-cli.ts";
import { metricsOf, smallConfig, writeShades } from "./small-run.ts";

let dir: string;
beforeAll(async () => (dir = await mkdtemp(join(tmpdir(), "ocelli-go-on-"))));
afterAll(() => rm(dir, { recursive: true }));

const preprocess = "decode|resize(28)|grayscale|value_range(-1,1)";

/** Sixteen training and four test pictures. */
async function writeImages(name: string): Promise<string> {
  const images = join(dir, name);
  await writeShades(images, { train: 8, test: 2 });
  return images;
}

/** Four steps an epoch, the rate falling from 0.01 to 0. */
const configOf = (images: string, epochs: number) =>
  smallConfig(dir, 0, {
    data: { name: "folder", dir: images },
    duration: { epochs },
    preprocess: { train: preprocess, eval: preprocess },
    optimizer: { name: "sgd", lr: 0.01, schedule: { decayType: "linear" } },
    evals: { test: { split: "test" } },
    batchSize: 4,
    log: { steps: 1 },
    checkpoint: { every: { steps: 4 } },
  }) as ConfigInput;

function listen() {
  const lines: string[] = [];
  const line = (text: string) => void lines.push(text);
  return { lines, reporter: { line, status: () => undefined, terminal: false } };
}

const json = async (...path: string[]): Promise<unknown> =>
  JSON.parse(await readFile(join(...path), "utf8"));

test("a finished run goes on for more epochs, and says what becomes of the schedule", async () => {
  const images = await writeImages("longer");
  const workdir = join(dir, "longer-run");
  expect((await train(configOf(images, 2), { workdir })).steps).toBe(8);
  await expect(resume(workdir)).rejects.toThrow(
    "has finished; there is nothing to resume. To train it longer, give the total number of epochs:",
  );
  await expect(resume(workdir, { duration: { epochs: 2 } })).rejects.toThrow(
    "2 epochs are 8 steps, but 8 steps are trained already. Name a longer duration",
  );
  const { lines, reporter } = listen();
  const result = await resume(workdir, { duration: { epochs: 4 }, reporter });
  expect(result).toMatchObject({ steps: 16, interrupted: false });
  const said =
    "16 steps in all instead of 8: the schedule spans them all, so that the learning rate goes on at 0.005 instead of 0";
  expect(lines).toContain(said);
  expect(await json(workdir, "changes.json")).toEqual({ changes: [{ step: 8, what: said }] });
  expect(await json(workdir, "config.json")).toMatchObject({ duration: { epochs: 4 } });
  const rates = (await metricsOf(workdir)).flatMap((line) =>
    "learningRate" in line ? [Number(line.learningRate).toFixed(5)] : [],
  );
  expect(rates).toHaveLength(16);
  expect(rates[8]).toBe("0.00500");
});

test("other training images are an error that says how to go on, and then are accepted and recorded", async () => {
  const images = await writeImages("removed");
  const workdir = join(dir, "removed-run");
  const stop = new AbortController();
  const line = (text: string) => void (text.startsWith("step 6/") && stop.abort());
  const begun = await train(configOf(images, 4), {
    workdir,
    signal: stop.signal,
    reporter: { line, status: () => undefined, terminal: false },
  });
  expect(begun.interrupted).toBe(true);
  for (const name of ["4", "5"]) await unlink(join(images, "train", "dark", `${name}.png`));
  const change = "train: 16 images before, 14 now";
  await expect(resume(workdir)).rejects.toThrow(
    `the data has changed since the run was stopped: ${change}. Undo the change, or resume with the data as it is now: --accept-changes.`,
  );
  const { lines, reporter } = listen();
  const result = await resume(workdir, { acceptChanges: true, reporter });
  expect(result).toMatchObject({ steps: 14, interrupted: false }); // four epochs of 14 images
  expect(lines).toContain(`the data has changed since the run was stopped: ${change}; accepted`);
  const { changes } = (await json(workdir, "changes.json")) as { changes: { what: string }[] };
  expect(changes.map(({ what }) => what)).toEqual([
    change,
    expect.stringMatching(/^14 steps in all instead of 16: the schedule spans them all/),
  ]);
  expect(await json(workdir, "splits.json")).toMatchObject({ splits: { train: { count: 14 } } });
});

test("what a resumed run takes on the command line", async () => {
  const workdir = join(dir, "longer-run");
  const resumed = (...flags: string[]) => runCli(["train", "--resume", workdir, ...flags]);
  expect((await resumed("--epochs", "many")).stderr).toContain(
    '--epochs must be a number above 0, not "many".',
  );
  expect((await resumed("--epochs", "5", "--steps", "7")).stderr).toContain(
    "--epochs is given with another duration",
  );
  expect((await resumed("--lr", "1")).stderr).toContain("takes neither a configuration nor --lr");
  expect((await runCli(["train", "quickstart", "--accept-changes"])).stderr).toContain(
    "--accept-changes is for --resume RUN.",
  );
  const { code, stdout } = await resumed("--epochs", "5", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ steps: 20 });
}, 60_000);
