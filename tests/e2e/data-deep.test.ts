/** @file `ocelli data --deep`: planted copies, leaks, wrong labels and outliers are found, and the page shows them. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { seededRandom } from "../../src/random.ts";
import type { Survey } from "../../src/survey/survey.ts";
import { isMixed } from "../../src/survey/members.ts";
import { launchChromium } from "../browser/chromium.ts";
import { lastJson, runCli } from "./run-cli.ts";

const COLOURS = { green: [60, 160, 70], red: [190, 60, 60] } as const;
const EACH = 24;
/** Pictures of a colour are alike to a model that has learned nothing; copies are more so. */
const LEAST = 0.995;

let dir: string;
let pictures: string;
let model: string;

/** A picture of soft patches around a colour that a seed decides. */
async function picture(colour: readonly number[], seed: number) {
  const random = seededRandom("deep", seed);
  const pixels = Uint8Array.from({ length: 4 * 4 * 3 }, (_, i) =>
    Math.min(255, Math.max(0, colour[i % 3] + random.integer(-60, 60))),
  );
  const raw = { width: 4, height: 4, channels: 3 } as const;
  const patches = await sharp(pixels, { raw }).png().toBuffer();
  return sharp(patches).resize(32, 32, { kernel: "cubic" });
}

async function put(path: string, content: Uint8Array): Promise<void> {
  await mkdir(dirname(join(pictures, path)), { recursive: true });
  await writeFile(join(pictures, path), content);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-deep-"));
  vi.stubEnv("OCELLI_CACHE", join(dir, "cache"));
  pictures = join(dir, "pictures");
  model = join(dir, "base");
  let seed = 0;
  for (const split of ["train", "test"]) {
    for (const [name, colour] of Object.entries(COLOURS)) {
      for (let i = 0; i < (split === "train" ? EACH : 6); i++) {
        await put(
          `${split}/${name}/${i}.png`,
          await (await picture(colour, seed++)).png().toBuffer(),
        );
      }
    }
  }
  const sizes = ["--model.width=16", "--model.depth=1", "--model.mlpDim=32", "--model.numHeads=2"];
  const texts = ["train", "eval"].map(
    (of) => `--preprocess.${of}=decode|resize(16)|value_range(-1,1)`,
  );
  const steps = ["--duration.steps=2", "--batchSize=4", "--model.patchSize=[4,4]"];
  const args = ["--data", pictures, "--engine=interpreter", ...steps, ...sizes, ...texts];
  expect((await runCli(["train", "folder", ...args, "--workdir", model])).code).toBe(0);
  const leak = (await picture(COLOURS.green, 3)).jpeg({ quality: 90 }); // of train/green/3.png
  await put("test/green/leak.jpg", await leak.toBuffer());
  await put("train/red/wrong.png", await (await picture(COLOURS.green, 1000)).png().toBuffer());
  const stripes = Uint8Array.from({ length: 32 * 32 }, (_, i) => (i % 8 < 4 ? 0 : 255));
  const odd = sharp(stripes, { raw: { width: 32, height: 32, channels: 1 } }).png();
  await put("train/red/odd.png", await odd.toBuffer());
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

test("what was planted is found, in lines, as JSON and on the page", async () => {
  const page = join(dir, "data.html");
  const captured = await runCli([
    ...["data", pictures, "--deep", "--model", model, "--engine=interpreter"],
    ...[`--alike=${LEAST}`, "--html", page, "--json"],
  ]);
  expect(captured.code).toBe(0);
  const { deep, images } = lastJson<Survey>(captured);
  expect(deep!.compared).toBe(images);
  const { listed, count, acrossSplits, acrossClasses } = deep!.alike;
  const [{ pair, likeness }] = listed.toSorted((a, b) => b.likeness - a.likeness);
  expect(pair.map(({ split, id }) => `${split}: ${id}`)).toEqual([
    "test: test/green/leak.jpg",
    "train: train/green/3.png",
  ]);
  expect(likeness).toBeGreaterThan(LEAST);
  const across = (key: "split" | "label") => listed.filter((one) => isMixed(one.pair, key)).length;
  expect(listed).toHaveLength(count);
  expect([across("split"), across("label")]).toEqual([acrossSplits, acrossClasses]);
  const [wrong] = deep!.doubtful!.listed;
  expect(wrong).toMatchObject({
    member: { split: "train", id: "train/red/wrong.png", label: "red" },
    suggested: "green",
  });
  expect(wrong.probability).toBeGreaterThan(wrong.own);
  expect(deep!.outliers.listed[0]).toMatchObject({ id: "train/red/odd.png" });
  expect(captured.stderr).toMatch(/^labels +\d+ labels? of 63 (is|are) likely wrong/m);
  expect(captured.stderr).toMatch(
    /^alike +\d+ pairs? (has|have) nearly the same features .*\d+ across splits/m,
  );
  expect(captured.stderr).toMatch(/^outliers +\d+ pictures? (is|are) unlike all others/m);

  const browser = await launchChromium();
  const tab = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  await tab.goto(pathToFileURL(page).href);
  /** The pictures of a part that are there. */
  const shown = async (id: string) => {
    const found = tab.locator(`#${id} img[src^="data:image/png"]`);
    return found.evaluateAll((all) => all.map((image) => image.getAttribute("alt")));
  };
  expect(await shown("alike")).toEqual(
    expect.arrayContaining(["test/green/leak.jpg", "train/green/3.png"]),
  );
  expect((await shown("labels"))[0]).toBe("train/red/wrong.png");
  expect((await shown("outliers"))[0]).toBe("train/red/odd.png");
  await tab.locator("#labels", { hasText: /rather green: \d+ % against\s+\d+ %/ }).waitFor();
  await browser.close();
});

test("flags of the deep look alone are refused without it", async () => {
  const { code, stderr } = await runCli(["data", pictures, "--alike=0.9"]);
  expect(code).toBe(2);
  expect(stderr).toBe("ocelli: --alike is for --deep. Add --deep.\n");
  const wrong = await runCli(["data", pictures, "--deep", "--alike=2", "--model", model]);
  expect(wrong.stderr).toContain('--alike must be between 0 and 1, not "2".');
});
