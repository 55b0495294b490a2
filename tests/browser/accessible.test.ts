/** @file Every page of Ocelli, light and dark, wide and on a phone: axe finds nothing, and nothing is wider than the window. */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildTeach } from "../../examples/teach/build.ts";
import { serveFolder } from "../../examples/serve-folder.ts";
import { openMnist } from "../../src/data/classification/mnist.ts";
import { type Dashboard, serveDashboard } from "../../src/dashboard/server.ts";
import { serveModel } from "../../src/serve/server.ts";
import { TINY, runCli } from "../e2e/run-cli.ts";
import { findBarriers } from "./axe.ts";
import { launchChromium } from "./chromium.ts";

const LONG_NAME = `a-run-with-a-long-name-${"that-goes-on-".repeat(8)}and-on`;
const LOOKS = [
  ["wide, light", { viewport: { width: 1280, height: 900 }, colorScheme: "light" }],
  ["phone, dark", { viewport: { width: 390, height: 800 }, colorScheme: "dark" }],
  ["phone, light", { viewport: { width: 390, height: 800 }, colorScheme: "light" }],
  ["wide, dark", { viewport: { width: 1280, height: 900 }, colorScheme: "dark" }],
] as const;
/** What every run of the tests judges; OCELLI_LONG takes all. */
const JUDGED = process.env.OCELLI_LONG ? LOOKS : LOOKS.slice(1, 2);
type Look = (typeof LOOKS)[number][1];
const SOON = { timeout: 30_000 };

let dir: string;
let run: string;
let browser: Browser;
let dashboard: Dashboard;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-accessible-"));
  run = join(dir, "runs", "digits");
  for (const [seed, folder] of [run, join(dir, "runs", LONG_NAME)].entries()) {
    const flags = [...TINY, `--seed=${seed}`, "--workdir", folder];
    expect((await runCli(["train", "quickstart", ...flags])).code).toBe(0);
  }
  const source = await (await openMnist()).open("test");
  for (let i = 0; i < 8; i++) {
    const { image, label } = await source.read(i);
    const folder = join(dir, "pictures", `digit ${Number(label.data[0])}`);
    await mkdir(folder, { recursive: true });
    const raw = { width: 28, height: 28, channels: 1 } as const;
    await sharp(image.data as Uint8Array, { raw })
      .png()
      .toFile(join(folder, `${i}.png`));
  }
  browser = await launchChromium();
  const recipes = [
    {
      ...{ name: "quickstart", summary: "digits" },
      load: async () =>
        ((await import("../../recipes/quickstart.ts")) as { default: unknown }).default,
    },
  ];
  const place = { dir: join(dir, "runs"), port: 0, host: "127.0.0.1" };
  dashboard = await serveDashboard({ ...place, trainings: { recipes, program: "none" } });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await dashboard?.close();
  await rm(dir, { recursive: true, force: true });
});

/** Opens an address, brings it to where it is to be judged, and judges it. */
async function judge(
  url: string,
  look: Look,
  prepare: (page: Page) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const context = await browser.newContext({ ...look, locale: "en-GB", reducedMotion: "reduce" });
  try {
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.goto(url);
    await prepare(page);
    expect(await findBarriers(page)).toEqual([]);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wider).toBeLessThanOrEqual(0);
    expect(problems).toEqual([]);
  } finally {
    await context.close();
  }
}

describe.each(JUDGED)("%s", (_, look) => {
  const at = (tab: string, ...runs: string[]) => {
    const names = (runs.length > 0 ? runs : ["digits", LONG_NAME]).map((name) => ["run", name]);
    return `${dashboard.url}#${new URLSearchParams([["tab", tab], ...names])}`;
  };
  test.each([
    ["curves", async (page: Page) => page.locator("canvas").first().waitFor(SOON)],
    ["compare", async (page: Page) => page.locator("table.results td").first().waitFor(SOON)],
    ["pictures", async (page: Page) => page.locator("img").first().waitFor(SOON)],
    ["train", async (page: Page) => page.getByRole("button", { name: "Start" }).waitFor(SOON)],
    [
      "data",
      async (page: Page) => {
        await page.getByRole("button", { name: "Find mistakes" }).click(SOON);
        await page.locator(".tile .wrong").first().waitFor(SOON);
        await page.locator(".tile").first().click();
        await page.getByRole("button", { name: "Explain" }).click();
        await page.getByText("as the model sees it").waitFor(SOON);
      },
    ],
    [
      "map",
      async (page: Page) => {
        await page.getByRole("button", { name: "Draw the map" }).click(SOON);
        await page.locator(".feature-map circle").first().waitFor(SOON);
        await page.locator(".feature-map").focus();
        await page.keyboard.press("ArrowRight");
        await page.getByText("Nearest by the features").waitFor();
      },
    ],
  ] as const)("dashboard: %s", { timeout: 90_000 }, (tab, prepare) =>
    judge(at(tab), look, prepare),
  );

  test("report", { timeout: 60_000 }, async () => {
    await judge(pathToFileURL(join(dir, "runs", LONG_NAME, "report.html")).href, look);
  });

  test("survey", { timeout: 60_000 }, async () => {
    const page = join(dir, "survey.html");
    expect((await runCli(["data", join(dir, "pictures"), "--html", page])).code).toBe(0);
    await judge(pathToFileURL(page).href, look);
  });

  test("explanations", { timeout: 60_000 }, async () => {
    const out = join(dir, "explained");
    const flags = ["--engine=interpreter", "--out", out];
    expect((await runCli(["explain", run, join(dir, "pictures"), ...flags])).code).toBe(0);
    await judge(pathToFileURL(join(out, "explanations.html")).href, look);
  });

  test("serve", { timeout: 60_000 }, async () => {
    const server = await serveModel(run, { port: 0, engine: "interpreter" });
    try {
      await judge(server.url, look, async (page) => {
        const [file] = await pictures();
        await page.setInputFiles("input[type=file]", file);
        await page.getByRole("button", { name: "explain" }).click();
        await page.getByText("least of this map").waitFor(SOON);
      });
    } finally {
      await server.close();
    }
  });

  test("teach", { timeout: 90_000 }, async () => {
    const built = join(dir, "teach");
    await buildTeach(built, { backbone: run });
    const server = await serveFolder(built, 0);
    try {
      const { port } = server.address() as AddressInfo;
      await judge(`http://127.0.0.1:${port}/`, look, async (page) => {
        await page.getByText(/^Ready in /).waitFor(SOON);
      });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

/** Some files of the pictures. */
async function pictures(): Promise<string[]> {
  const { imagePaths } = await import("../../src/data/readers/images.ts");
  return [...(await imagePaths([join(dir, "pictures")])).images];
}

test("the dashboard is used by the keyboard alone", { timeout: 90_000 }, async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  try {
    await page.goto(dashboard.url);
    await page.locator("canvas").first().waitFor(SOON);
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        const name = element.getAttribute("aria-label") ?? element.textContent.trim();
        return {
          tag: element.tagName,
          name,
          seen: outlineStyle !== "none" && outlineWidth !== "0px",
        };
      });
    const seen: Awaited<ReturnType<typeof focused>>[] = [];
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press("Tab");
      seen.push(await focused());
    }
    expect(seen.filter(({ seen }) => !seen)).toEqual([]);
    expect(seen[0]).toMatchObject({ tag: "INPUT", name: "Search runs" });
    const names = seen.filter(({ tag }) => tag === "BUTTON").map(({ name }) => name);
    expect(names).toEqual(["All", "None", "Curves", "Compare", "Pictures", "Data", "Map", "Train"].slice(0, names.length)); // prettier-ignore
    expect(names.length).toBeGreaterThanOrEqual(6);
    await page.getByRole("button", { name: "Train" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Start a training" }).waitFor();
  } finally {
    await page.close();
  }
});
