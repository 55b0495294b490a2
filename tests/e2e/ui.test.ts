/** @file The local page while a training is going, and a report, in a real browser. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Dashboard, serveDashboard } from "../../src/dashboard/server.ts";
import { launchChromium } from "../browser/chromium.ts";
import { TINY, runCli } from "./run-cli.ts";

let dir: string;
let browser: Browser;
let server: Dashboard;
let training: ChildProcess;

const program = join(import.meta.dirname, "../../bin/ocelli.js");
/** The machine is busy with the training as well. */
const SOON = { timeout: 30_000 };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-ui-"));
  const done = ["train", "quickstart", ...TINY, "--workdir", join(dir, "runs", "done"), "--json"];
  expect((await runCli(done)).code).toBe(0);
  const flags = [...TINY.filter((flag) => !flag.includes("steps")), "--duration.steps=100000"];
  const workdir = join(dir, "runs", "sweep", "going");
  training = spawn(
    process.execPath,
    [program, "train", "quickstart", ...flags, "--log.steps=2", "--seed=7", "--workdir", workdir],
    { stdio: "ignore" },
  );
  server = await serveDashboard({ dir: join(dir, "runs"), port: 0, host: "127.0.0.1" });
  browser = await launchChromium();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await server?.close();
  if (training && training.exitCode === null) {
    training.kill("SIGKILL");
    await once(training, "close");
  }
  await rm(dir, { recursive: true });
});

/** A tab that notes what goes wrong, and every address it asks. */
async function openTab(): Promise<{ tab: Page; problems: string[]; asked: string[] }> {
  const tab = await browser.newPage({ locale: "en-GB", viewport: { width: 1280, height: 900 } });
  const problems: string[] = [];
  const asked: string[] = [];
  tab.on("pageerror", (error) => problems.push(String(error)));
  tab.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  tab.on("request", (request) => asked.push(request.url()));
  return { tab, problems, asked };
}

test("the page shows a training as it goes, finds runs and compares them", async () => {
  const { tab, problems, asked } = await openTab();
  await tab.goto(server.url);
  const going = tab.locator("li", { hasText: "sweep/going" });
  await going.locator(".state.running").waitFor(SOON);
  const loss = tab.locator('figure[data-kind="loss"]');
  const lastStep = async () => Number(await loss.getAttribute("data-last"));
  await loss.locator("canvas").waitFor();
  await expect.poll(lastStep, SOON).toBeGreaterThan(8);
  const before = await lastStep();
  await expect.poll(lastStep, SOON).toBeGreaterThan(before);

  const search = tab.getByLabel("Search runs");
  const names = () => tab.locator(".runs .name").allTextContents();
  await search.fill("seed=7");
  await expect.poll(names, SOON).toEqual(["sweep/going"]);
  await search.fill("state=finished duration.steps<10");
  await expect.poll(names, SOON).toEqual(["done"]);
  await search.fill("seed<x");
  await tab.getByText('seed< needs a number, not "x".').waitFor();
  await search.fill("");

  await tab.getByRole("button", { name: "Compare" }).click();
  const setting = tab.locator("table.settings tr", { hasText: "duration.steps" });
  await expect.poll(() => setting.locator("td").allTextContents(), SOON).toHaveLength(2);
  expect((await setting.locator("td").allTextContents()).sort()).toEqual(["100000", "8"]);
  expect(await tab.locator("table.settings tr", { hasText: "batchSize" }).count()).toBe(0);

  await going.getByRole("checkbox").uncheck();
  await tab.getByText("Choose a second run").waitFor();
  expect(problems).toEqual([]);
  expect(asked.filter((url) => !url.startsWith(server.url))).toEqual([]);
  await tab.close();
});

test("the page is there where the browser's language is malformed", async () => {
  const { tab, problems } = await openTab();
  await tab.addInitScript(() => {
    Object.defineProperty(navigator, "language", { value: "en-US@posix", configurable: true });
    Object.defineProperty(navigator, "languages", { value: ["en-US@posix"], configurable: true });
  });
  await tab.goto(server.url);
  await tab.locator('figure[data-kind="loss"] canvas').waitFor(SOON);
  expect(problems).toEqual([]);
  await tab.close();
});

test("a folder that does not exist is an error that names those that do", async () => {
  const { code, stderr } = await runCli(["ui", join(dir, "runz")]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(
    `there is no folder ${join(dir, "runz")}. There are: ${join(dir, "runs")}`,
  );
});

test("a report opens from its file without a request or a complaint", async () => {
  const { code, stdout } = await runCli(["report", join(dir, "runs", "done")]);
  expect(code).toBe(0);
  const { tab, problems, asked } = await openTab();
  const url = pathToFileURL(stdout.trim()).href;
  await tab.goto(url);
  const chart = tab.locator("figure.chart").first();
  await chart.locator("svg").focus();
  await tab.keyboard.press("ArrowRight");
  expect(await chart.locator(".readout").textContent()).toMatch(/^step 1: training \d/);
  expect(await tab.locator("h2").allTextContents()).toEqual([
    "Curves",
    "Recall of each class",
    "Confusion",
    "Most confident mistakes",
    "Inputs as the model sees them in training",
    "Data problems",
    "Timing",
    "Configuration",
    "Environment",
  ]);
  expect(problems).toEqual([]);
  expect(asked).toEqual([url]);
  await tab.close();
});

test("a report on the page's server works, and reaches nothing of the page", async () => {
  const { tab, problems } = await openTab();
  await tab.goto(server.url);
  const opened = tab.context().waitForEvent("page");
  await tab.getByRole("link", { name: "Report of done" }).click();
  const report = await opened;
  const chart = report.locator("figure.chart").first();
  await chart.locator("svg").focus();
  await report.keyboard.press("ArrowRight");
  expect(await chart.locator(".readout").textContent()).toMatch(/^step 1: training \d/);
  const reached = await report.evaluate(() => ({
    origin: window.origin,
    opened: window.open("/") !== null,
  }));
  expect(reached).toEqual({ origin: "null", opened: false });
  expect(problems).toEqual([]);
  await report.close();
  await tab.close();
});

test("nothing outside the folder is served", async () => {
  await writeFile(join(dir, "secret.png"), "secret");
  const outside = join(dir, "outside");
  await mkdir(outside);
  for (const name of ["config.json", "metrics.jsonl"]) await writeFile(join(outside, name), "{}");
  await symlink(outside, join(dir, "runs", "linked"));
  const status = async (path: string) => (await fetch(new URL(path, server.url))).status;
  for (const run of ["../outside", "linked", "..", "/etc", outside, "done/../../outside", ""]) {
    expect(await status(`api/curves?run=${encodeURIComponent(run)}`), run).toBe(404);
    expect(await status(`report?run=${encodeURIComponent(run)}`), run).toBe(404);
  }
  for (const file of ["../../../secret.png", "../config.json", "%2e%2e/config.json"]) {
    expect(await status(`api/picture?run=done&file=${encodeURIComponent(file)}`), file).toBe(404);
  }
  expect(await status("..%2f..%2fsecret.png")).toBe(404);
  expect(await status("api/curves?run=done")).toBe(200);
});

test("a port in use is an error that names a free one", async () => {
  const { port } = new URL(server.url);
  const { code, stderr } = await runCli(["ui", join(dir, "runs"), "--port", port]);
  expect(stderr).toMatch(
    new RegExp(`^ocelli: port ${port} of 127.0.0.1 is in use. Free is: --port \\d+.\n$`),
  );
  expect(code).toBe(2);
});
