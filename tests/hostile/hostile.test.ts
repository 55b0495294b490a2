import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Case, HARMLESS, HOSTILE } from "./files.ts";
import type { Kind, Outcome } from "./open-one.ts";

/** What a hostile file may take more than a harmless one of its kind. */
const MORE = { seconds: 2, megabytes: 300 };
const dir = await mkdtemp(join(tmpdir(), "ocelli-hostile-"));
afterAll(() => rm(dir, { recursive: true }));

const run = promisify(execFile);

async function open(kind: Kind, path: string): Promise<Outcome> {
  const script = new URL("./open-one.ts", import.meta.url).pathname;
  const { stdout } = await run(process.execPath, [script, kind, path], { timeout: 60_000 });
  return JSON.parse(stdout) as Outcome;
}

let cases = 0;

/** Writes a case's files into a folder of their own; what is to be opened. */
async function write({ files, open }: Case): Promise<string> {
  const folder = join(dir, String(cases++));
  for (const [name, bytes] of Object.entries(files)) {
    if (isAbsolute(name)) continue;
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
  return isAbsolute(open) ? open : join(folder, open);
}

const usual = new Map<Kind, Outcome>();
beforeAll(async () => {
  for (const one of HARMLESS) {
    const outcome = await open(one.kind, await write(one));
    if (one.says) expect(outcome.error).toMatch(one.says);
    else expect(outcome.error).toBeUndefined();
    usual.set(one.kind, outcome);
  }
}, 300_000);

async function check(kind: Kind, path: string, says?: RegExp): Promise<void> {
  const { seconds, megabytes } = usual.get(kind)!;
  const outcome = await open(kind, path);
  expect(outcome).toMatchObject({ isOurs: true });
  if (says) expect(outcome.error).toMatch(says);
  else expect(outcome.error).toBeUndefined();
  expect(outcome.error ?? "").not.toContain("\n");
  expect(outcome.error?.length ?? 0).toBeLessThan(2000);
  expect(outcome.megabytes).toBeLessThan(megabytes + MORE.megabytes);
  expect(outcome.seconds).toBeLessThan(seconds + MORE.seconds);
}

test.each(HOSTILE.map((one) => [one.kind, one.name, one] as const))(
  "%s, %s: little time and memory, one line",
  async (kind, _, one) => {
    await check(kind, await write(one), one.says);
  },
  120_000,
);

const SHARED = new URL("../../../shared/cases/", import.meta.url).pathname;

test.skipIf(!existsSync(SHARED)).each([
  ["image", "hostile/svg-filter.png", /it is SVG/],
  ["image", "hostile/svg-huge.png", /it is SVG/],
  ["data", "hostile/labelbomb.parquet", /./],
  ["weights", "hostile/pth-shared-16M-x1000.pth", /unpacks|above the limit/],
  ["weights", "hostile/pth-lp-2000.pth", /longer than 1024/],
  ["data", "hostile/devzero.csv", /a device/],
  ["thin", "data/thin-images/1x1000.png", undefined],
  ["thin", "data/thin-images/1x6000.png", undefined],
] as const)(
  "%s, %s of the shared cases",
  (kind, file, says) => check(kind, join(SHARED, file), says),
  120_000,
);
