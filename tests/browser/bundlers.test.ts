/**
 * @file The examples with bundlers: the packed package is installed in them as a stranger would, they are built by their own
 * scripts, and their pages driven in a real Chromium. What is installed stays in `.cache/examples`.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportForWeb } from "../../src/served/exporting/web-folder.ts";
import { QUIET, freshEnvironment, isIndexReachable, pack, runTool } from "../e2e/packed.ts";
import { type Asked, askPage, prepareQuestion } from "./asked-page.ts";
import { launchChromium } from "./chromium.ts";

const env = freshEnvironment({ NEXT_TELEMETRY_DISABLED: "1", NO_COLOR: "1" });

describe.runIf(await isIndexReachable())("with the installed package", () => {
  let dir: string;
  let archive: string;
  let asked: Asked;
  let browser: Browser;
  const servers: ChildProcess[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "ocelli-bundlers-"));
    archive = pack(dir, env);
    asked = await prepareQuestion(dir);
    browser = await launchChromium();
  }, 300_000);
  afterAll(async () => {
    for (const server of servers) server.kill("SIGKILL");
    await browser?.close();
    await rm(dir, { recursive: true });
  });

  /** An example with its packages and the run's model; the folder. */
  async function install(name: string): Promise<string> {
    const folder = resolve(".cache/examples", name);
    await mkdir(folder, { recursive: true });
    await cp(join("examples", name), folder, { recursive: true });
    runTool(folder, env, "npm", "install", ...QUIET, archive);
    const model = join(folder, "public/model");
    await rm(model, { recursive: true, force: true });
    await exportForWeb(asked.run, { folder: model, page: false });
    return folder;
  }

  /** Starts a server that prints its address, as bundlers do. */
  async function start(folder: string, ...args: string[]): Promise<string> {
    const child = spawn(process.execPath, args, { cwd: folder, env });
    servers.push(child);
    let text = "";
    const hear = (chunk: Buffer): void => void (text += String(chunk));
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    for (;;) {
      const [url] = /http:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(text) ?? [];
      if (url !== undefined && /ready|Local/i.test(text)) return url;
      if (child.exitCode !== null) throw new Error(text);
      await Promise.race([once(child.stdout, "data"), once(child, "close")]);
    }
  }

  test("Vite and Svelte, from the development server and built", { timeout: 240_000 }, async () => {
    const folder = await install("vite-svelte");
    const vite = "node_modules/vite/bin/vite.js";
    const developed = await start(folder, vite, "--port", "0", "--host", "127.0.0.1");
    expect(await askPage(browser, developed, asked.picture)).toBe(asked.expected);
    runTool(folder, env, process.execPath, vite, "build");
    const built = await start(folder, vite, "preview", "--port", "0", "--host", "127.0.0.1");
    expect(await askPage(browser, built, asked.picture)).toBe(asked.expected);
  });

  const long = test.runIf(process.env.OCELLI_LONG === "1"); // Next weighs 300 MB and builds for a minute
  long("Next, built", { timeout: 600_000 }, async () => {
    const folder = await install("next");
    const next = "node_modules/next/dist/bin/next";
    runTool(folder, env, process.execPath, next, "build");
    const url = await start(folder, next, "start", "-p", "0", "-H", "127.0.0.1");
    expect(await askPage(browser, url, asked.picture)).toBe(asked.expected);
  });
});
