/** @file The comparison with few labels in miniature: drawn pictures, seconds of pretraining, stopped and begun again. */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../src/random.ts";
import { describeFewLabels, fewLabels } from "./few-labels.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-few-labels-"));
  const random = seededRandom("few labels");
  for (const [k, name] of ["red", "green"].entries()) {
    for (const [split, count] of Object.entries({ train: 40, test: 12 })) {
      const folder = join(dir, "data", split, name);
      await mkdir(folder, { recursive: true });
      for (let i = 0; i < count; i++) {
        const pixels = Uint8Array.from(
          { length: 32 * 32 * 3 },
          (_, j) => random.integer(0, 128) + (j % 3 === k ? 127 : 0),
        );
        const raw = { width: 32, height: 32, channels: 3 } as const;
        await sharp(pixels, { raw })
          .png()
          .toFile(join(folder, `${i}.png`));
      }
    }
  }
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

test("a stopped comparison resumes, and says what pretraining gains", async () => {
  const settings = {
    ...{ minutes: 0.25, method: "rotation", shots: 5, seeds: [0, 1], margin: 0.05 },
    published: join(dir, "work", "untrained"), // no network is asked for published weights
  } as const;
  const given = {
    ...{ data: { name: "folder", dir: join(dir, "data") } as const, engine: "ort" },
    ...{ workdir: join(dir, "work"), settings },
  };
  const stop = new AbortController();
  const line = (text: string) => void (text.startsWith("features of train") && stop.abort());
  const reporter = { terminal: false, line, status: () => undefined };
  const stopped = fewLabels({ ...given, reporter, signal: stop.signal });
  await expect(stopped).rejects.toBe(stop.signal.reason);
  const lines: string[] = [];
  const telling = { ...reporter, line: (text: string) => void lines.push(text) };
  const found = await fewLabels({ ...given, reporter: telling });
  expect(lines.some((text) => text.startsWith("step "))).toBe(false); // pretraining was done
  expect(Object.keys(found.accuracy)).toEqual(["pretrained", "untrained", settings.published]);
  expect(found.accuracy[settings.published]).toEqual(found.accuracy.untrained);
  const mean = ([a, b]: readonly number[]): number => (a + b) / 2;
  expect(found.gain).toBeCloseTo(
    mean(found.accuracy.pretrained) - mean(found.accuracy.untrained),
    9,
  );
  expect(found.behind).toBeCloseTo(-found.gain, 9);
  expect(found.holds).toBe(found.gain >= 0.05);
  const text = describeFewLabels(found, settings).join("\n");
  expect(text).toContain(found.holds ? "holds" : "does not hold");
  const again: string[] = [];
  const silent = { ...reporter, line: (one: string) => void again.push(one) };
  expect(await fewLabels({ ...given, reporter: silent })).toEqual(found);
  expect(again).toEqual([]); // all of it was read
}, 240_000);
