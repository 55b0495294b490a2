/** @file A person's way through examples/search in a real Chromium: a folder is dropped, searched by words and by pictures, and is there again after a reload. */

import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildSearch } from "../../examples/search/serve.ts";
import { serveFolder } from "../../examples/serve-folder.ts";
import { train } from "../../src/index.ts";
import { runCli } from "../e2e/run-cli.ts";
import { findBarriers } from "./axe.ts";
import { launchChromium } from "./chromium.ts";
import { COLOURS, KINDS, SHAPES, drawShapes, shapesConfig } from "./drawn-shapes.ts";

let dir: string;
let run: string;
let browser: Browser;
let url: string;
let server: Awaited<ReturnType<typeof serveFolder>>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-search-page-"));
  run = join(dir, "run");
  await train(await shapesConfig(dir), { engine: "ort", workdir: run });
  await drawShapes(join(dir, "album"), { each: 2, side: 96, seed: "unseen" });
  await writeFile(join(dir, "album", "notes.txt"), "no picture");
  await mkdir(join(dir, "album", "again"));
  await cp(join(dir, "album", "red-bar-0.png"), join(dir, "album", "again", "copy.png"));
  await buildSearch(run, join(dir, "page"));
  server = await serveFolder(join(dir, "page"), 0);
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  browser = await launchChromium();
}, 240_000);
afterAll(async () => {
  await browser?.close();
  server?.close();
  server?.closeAllConnections();
  await rm(dir, { recursive: true });
});

/** The names of the pictures that are shown, in order. */
const shown = (tab: Page): Promise<string[]> => tab.locator("#grid .name").allTextContents();

/** Searches by words; the pictures in order. */
async function ask(tab: Page, words: string, like = false): Promise<string[]> {
  await tab.getByRole("searchbox").fill(words);
  await tab.keyboard.press("Enter");
  await tab.locator(`body[data-searched='${JSON.stringify([words, like])}']`).waitFor();
  return shown(tab);
}

test("a dropped folder is searched by words, by a picture and by both", async () => {
  const tab = await browser.newPage();
  const problems: string[] = [];
  tab.on("pageerror", (error) => problems.push(String(error)));
  await tab.goto(url);
  await tab.getByText(/ONNX Runtime .* WebAssembly/).waitFor();
  await tab.getByRole("searchbox").fill("red");
  await tab.getByRole("button", { name: "Search" }).click();
  await tab.getByText("There are no pictures yet: drop a folder.").waitFor();
  await tab.getByRole("searchbox").fill("");
  await tab.getByLabel("a folder").setInputFiles(join(dir, "album"));
  await tab
    .getByText(
      "60 pictures added; 1 here already; 1 left out, such as album/notes.txt: the browser cannot",
    )
    .waitFor({ timeout: 60_000 });
  expect(await shown(tab)).toHaveLength(60);

  // the drawings were never seen: every colour and shape is found, and nearly all pairs stand first
  let first = 0;
  for (const { colour, shape } of KINDS) {
    const [best] = await ask(tab, `a ${colour} ${shape}`);
    if (best.startsWith(`${colour}-${shape}-`)) first++;
  }
  expect(first).toBeGreaterThanOrEqual(0.9 * KINDS.length);
  const several = Object.keys(SHAPES).length;
  const blue = await ask(tab, "blue");
  expect(blue.slice(0, several).every((name) => name.startsWith("blue-"))).toBe(true);

  await tab.getByLabel("By picture").setInputFiles(join(dir, "drawn", "purple-triangle-3.png"));
  await tab.getByText("like purple-triangle-3.png").waitFor();
  const [alike] = await ask(tab, "", true);
  expect(alike).toMatch(/^purple-triangle-/);
  const both = await ask(tab, "orange", true);
  const rank = (name: string) => both.findIndex((one) => one.startsWith(name));
  expect(rank("orange-triangle")).toBeLessThan(several); // of the words and of the picture
  expect(rank("orange-triangle")).toBeLessThan(rank("green-bar"));
  await tab.getByRole("button", { name: "Search without purple-triangle-3.png" }).click();
  await tab.locator(`body[data-searched='["orange",false]']`).waitFor();

  await tab.getByRole("button", { name: "More like this: green-ring-0.png" }).click();
  await tab.getByText("like green-ring-0.png").waitFor();
  await tab.locator(`body[data-searched='["",true]']`).waitFor();
  const [itself, next] = await shown(tab);
  expect([itself, next.replace(/-\d\.png$/, "")]).toEqual(["green-ring-0.png", "green-ring"]);

  await tab.getByRole("button", { name: "Search without green-ring-0.png" }).click();
  await ask(tab, "猫");
  await tab.getByText(/"猫": 1 of \d tokens are unknown to the model/).waitFor();
  expect(problems).toEqual([]);
  await tab.close();
});

test("after a reload the pictures are there, and nothing is computed again", async () => {
  const context = await browser.newContext();
  const tab = await context.newPage();
  const fetched: string[] = [];
  tab.on("request", (request) => fetched.push(new URL(request.url()).pathname));
  const take = async (said: string) => {
    await tab.locator("body[data-ready]").waitFor();
    await tab.getByLabel("a folder").setInputFiles(join(dir, "album"));
    await tab.getByText(said).waitFor({ timeout: 60_000 });
  };
  await tab.goto(url);
  await take("60 pictures added; 1 here already");
  const before = await ask(tab, "a red cross");
  expect(fetched.filter((path) => path.startsWith("/model/") && path.endsWith(".onnx"))).toEqual([
    ...["/model/image.onnx", "/model/text.onnx"],
  ]);
  fetched.length = 0;
  await tab.reload();
  await tab.locator("body[data-ready]").waitFor();
  expect(await shown(tab)).toHaveLength(60);
  expect(await ask(tab, "a red cross")).toEqual(before);
  await tab.getByRole("searchbox").fill("");
  await take("0 pictures added; 61 here already; 1 left out");
  // the text that is no picture was looked at by the tower of images; words alone need only the other
  const models = fetched.filter((path) => path.endsWith(".onnx"));
  expect(models[0]).toBe("/model/text.onnx");
  await tab.getByRole("button", { name: "Forget all" }).click();
  await tab.locator("body[data-empty][data-ready]").waitFor();
  expect(await shown(tab)).toEqual([]);
  await context.close();
});

test.each([
  ["wide", "light", { width: 1280, height: 900 }],
  ["wide", "dark", { width: 1280, height: 900 }],
  ["phone", "dark", { width: 390, height: 800 }],
] as const)(
  "%s, %s: axe finds nothing, with pictures and without",
  async (size, colorScheme, viewport) => {
    const context = await browser.newContext({ viewport, colorScheme });
    const tab = await context.newPage();
    await tab.goto(url);
    await tab.locator("body[data-ready]").waitFor();
    const judge = async (state: string) => {
      expect(await findBarriers(tab)).toEqual([]);
      const wider = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wider).toBeLessThanOrEqual(0);
      if (!process.env.OCELLI_SCREENSHOTS) return;
      const path = join(
        process.env.OCELLI_SCREENSHOTS,
        `search-${size}-${colorScheme}-${state}.png`,
      );
      await tab.screenshot({ path });
    };
    await judge("empty");
    await tab.getByLabel("a folder").setInputFiles(join(dir, "album"));
    await tab.getByText("60 pictures added").waitFor({ timeout: 60_000 });
    await tab.getByLabel("By picture").setInputFiles(join(dir, "drawn", "red-ring-3.png"));
    await ask(tab, "blue", true);
    await judge("found");
    // by the keyboard alone: from the words to the first picture's button
    await tab.getByRole("searchbox").focus();
    for (let i = 0; i < 20; i++) {
      await tab.keyboard.press("Tab");
      const label = await tab.evaluate(() => document.activeElement?.getAttribute("aria-label"));
      if (label?.startsWith("More like")) break;
    }
    await tab.keyboard.press("Enter");
    await tab.locator(`body[data-searched='["",true]']`).waitFor();
    await context.close();
  },
);

test("a model that reads no texts is refused in one line", async () => {
  const words = join(dir, "words.onnx");
  expect(
    (await runCli(["export", run, "--to", "onnx", "--tower", "text", "--out", words])).code,
  ).toBe(0);
  await expect(buildSearch(words, join(dir, "bad"))).rejects.toThrow(/words\.onnx/);
  expect(Object.keys(COLOURS)).toHaveLength(6);
});
