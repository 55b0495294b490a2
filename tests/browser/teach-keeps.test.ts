/** @file examples/teach over time: what is kept over a reload, undone, doubted, taken home as ONNX, and taken from a run of Node. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostArray } from "../../src/graph/index.ts";
import type { Ranked } from "../../src/tasks/index.ts";
import { toFlat } from "../../src/tree.ts";
import { readCheckpoint } from "../../src/weights/checkpoint.ts";
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

let dir: string;
let browser: Browser;
let backbone: string;
let classes: Shown[];
let held: PictureFile[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-teach-keeps-"));
  [browser, backbone, classes] = await Promise.all([
    ...([launchChromium(), drawnBackbone(dir), digits(["0", "1"], 6, 3)] as const),
  ]);
  held = classes.flatMap(({ heldOut }) => heldOut);
}, 60_000);
afterAll(async () => {
  await browser.close();
  await rm(dir, { recursive: true });
});

const counts = (page: Page): Promise<string[]> => page.locator(".count").allTextContents();
const names = (page: Page): Promise<string[]> =>
  page
    .getByLabel("Name of the class")
    .evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).value));

/** What Node says of the held-out pictures. */
async function ofNode(model: string): Promise<Ranked[][]> {
  const folder = await mkdtemp(join(dir, "held-"));
  const paths = held.map(({ name }) => join(folder, name));
  await Promise.all(held.map(({ buffer }, i) => writeFile(paths[i], buffer)));
  const told = await runCli(["predict", model, ...paths, "--engine=ort", "--json"]);
  expect(told.stderr).not.toContain("ocelli:");
  return lastJson<{ predictions: { ranked: Ranked[] }[] }>(told).predictions.map(
    ({ ranked }) => ranked,
  );
}

/** Presses a button and keeps what it downloads. */
async function download(page: Page, button: string): Promise<string> {
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button }).click(),
  ]);
  const path = join(await mkdtemp(join(dir, "down-")), file.suggestedFilename());
  await file.saveAs(path);
  return path;
}

/** Both say the same, to what float32 on two machines gives. */
function agree(said: Awaited<ReturnType<typeof tryOn>>, told: readonly Ranked[][]): void {
  expect(said).toHaveLength(told.length);
  said.forEach((one, i) => {
    expect(one.class).toBe(told[i][0].name);
    expect(Math.abs(one.probability - told[i][0].score)).toBeLessThan(1e-5);
  });
}

test("a reload changes nothing, and the ONNX file says in Node what the page says", async () => {
  await using opened = await openPage(browser, dir, backbone);
  const { page, problems } = opened;
  await teach(page, classes);
  await page.getByLabel("Percent below").fill("80");
  await page.getByLabel("Percent below").blur();
  const said = await tryOn(page, held);
  await page.reload();
  await page.getByText(/^300 steps on/).waitFor();
  expect(await names(page)).toEqual(["0", "1"]);
  expect(await counts(page)).toEqual(["6 pictures", "6 pictures"]);
  expect(await page.getByLabel("Percent below").inputValue()).toBe("80");
  expect(await page.locator(".picture canvas").count()).toBe(12);
  expect(await tryOn(page, held)).toEqual(said);
  const model = await download(page, "Download as ONNX");
  expect(model).toMatch(/teach\.onnx$/);
  agree(said, await ofNode(model));
  await page.getByRole("button", { name: "Train" }).click(); // with features that were kept
  await page.getByText(/^300 steps on 12 pictures in [\d.]+\s*s\.$/).waitFor();
  expect(await tryOn(page, held)).toEqual(said);
  await page.getByRole("button", { name: "Start afresh" }).click();
  await page.getByText("Class 1 has no pictures yet.").waitFor();
  expect(await names(page)).toEqual(["Class 1", "Class 2"]);
  expect(problems).toEqual([]);
});

test("names, pictures and classes come back step by step", async () => {
  await using opened = await openPage(browser, dir, backbone);
  const { page, problems } = opened;
  const undo = page.getByRole("button", { name: "Undo" });
  expect(await undo.isDisabled()).toBe(true);
  await teach(page, classes);
  const seen = page.getByRole("article", { name: "Class 0" }).locator("canvas").first();
  const before = await seen.evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
  const card = page.getByRole("article", { name: "Class 0" });
  await card.getByRole("button", { name: "Remove this picture" }).first().click();
  await page.getByText("Changed: train again.").waitFor();
  await card.getByRole("button", { name: "Remove this class" }).click();
  await page.getByText("Two classes are the least.").waitFor();
  await undo.click();
  expect(await counts(page)).toEqual(["5 pictures", "6 pictures"]);
  await page.locator("h1").click();
  await page.keyboard.press("Control+z");
  expect(await counts(page)).toEqual(["6 pictures", "6 pictures"]);
  expect(await seen.evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL())).toBe(before);
  await page.getByText(/^300 steps on/).waitFor(); // what was taught is what is shown again
  await page.getByLabel("Name of the class").last().fill("");
  await page.getByLabel("Name of the class").last().pressSequentially("seven");
  await undo.click();
  expect(await names(page)).toEqual(["0", "1"]);
  expect(problems).toEqual([]);
});

test("below the threshold the page is unsure, and pictures are shown whole", async () => {
  await using opened = await openPage(browser, dir, backbone);
  const { page, problems } = opened;
  await teach(page, classes);
  const wide = sharp({ create: { width: 90, height: 30, channels: 3, background: "#888" } });
  const [{ class: name, probability }] = await tryOn(page, [await png("wide.png", wide)]);
  const row = page.locator('.tried li[data-file="wide.png"]');
  expect(await row.locator("canvas").getAttribute("width")).toBe("128");
  expect(await row.locator("canvas").getAttribute("height")).toBe("43");
  const said = `${name} ${Math.round(100 * probability)} %`;
  await page.getByLabel("Percent below").fill("100");
  expect(await row.textContent()).toBe(`unsure: ${said}`);
  await page.getByLabel("Percent below").fill("0");
  expect(await row.textContent()).toBe(said);
  expect(problems).toEqual([]);
});

test("a run of ocelli transfer is opened, says what Node says, and comes back with its head", async () => {
  const pictures = join(dir, "pictures");
  for (const { name, examples } of classes) {
    await mkdir(join(pictures, name), { recursive: true });
    for (const { name: file, buffer } of examples) {
      await writeFile(join(pictures, name, file), buffer);
    }
  }
  const run = join(dir, "transferred");
  const how = ["--data", pictures, "--model", backbone, "--engine=ort", "--workdir", run];
  const made = await runCli(["transfer", ...how]);
  expect(made.stderr).not.toContain("ocelli:");
  const checkpoint = join(run, "checkpoint.safetensors");
  const web = join(dir, "web");
  const exported = await runCli(["export", run, "--to=web", "--no-page", `--out=${web}`]);
  expect(exported.stderr).not.toContain("ocelli:");
  await using opened = await openPage(browser, dir, backbone);
  const { page, problems } = opened;
  const told = await ofNode(run);
  for (const file of [checkpoint, join(web, "model.onnx")]) {
    await Promise.all([
      page.waitForEvent("load"),
      page.getByRole("button", { name: "Start afresh" }).click(),
    ]);
    await page.getByText("Class 1 has no pictures yet.").waitFor();
    await page.getByLabel("Open a run").setInputFiles(file);
    await page.getByText("As it came from the run.").waitFor();
    expect(await names(page)).toEqual(["0", "1"]);
    agree(await tryOn(page, held), told);
  }
  await page.reload(); // the run is kept too
  await page.getByText("As it came from the run.").waitFor();
  agree(await tryOn(page, held), told);
  const back = await download(page, "Download the model");
  const headIn = async (file: string) => {
    const { card, params } = readCheckpoint(await readFile(file), file);
    const { "head/kernel": kernel, "head/bias": bias } = toFlat<HostArray>(params);
    expect([kernel.shape[1], bias.shape[0]]).toEqual([2, 2]);
    return { labels: card.names.label, kernel, bias };
  };
  expect(await headIn(back)).toEqual(await headIn(checkpoint));
  expect(await ofNode(back)).toEqual(told);
  await teach(page, classes); // from here on it is taught as any other
  agree(await tryOn(page, held), await ofNode(await download(page, "Download the model")));
  await page.getByLabel("Open a run").setInputFiles(join(web, "model.float16.onnx"));
  await page.getByText(/cannot be opened: .*take the file of float32 weights/).waitFor();
  const text = { name: "no.safetensors", mimeType: "", buffer: Buffer.from("nothing of the kind") };
  await page.getByLabel("Open a run").setInputFiles(text);
  await page.getByText(/^The model cannot be opened: /).waitFor();
  expect(problems).toEqual([]);
}, 120_000);
