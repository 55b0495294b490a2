/**
 * @file WebGPU in a tab: three training steps have Node's losses. It wants Debian's `chromium`, whose software adapter takes
 * its time: `OCELLI_LONG=1 npx vitest run tests/browser/webgpu.test.ts`.
 */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { describe, expect, test } from "vitest";
import { createOrtEngine } from "../../src/engines/ort/index.ts";
import { servePage } from "./serve.ts";
import { FAMILIES, threeSteps } from "./three-steps.ts";

const BROWSER = "/usr/bin/chromium";
/** A WebGPU adapter in software. */
const FLAGS = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
];
const reason =
  process.env.OCELLI_LONG !== "1"
    ? ": skipped, asked for by OCELLI_LONG=1"
    : existsSync(BROWSER)
      ? ""
      : `: skipped, there is no ${BROWSER}`;

describe.skipIf(reason !== "")(`WebGPU in a browser${reason}`, () => {
  test.each(FAMILIES)("%s: three steps", { timeout: 600_000 }, async (family) => {
    using page = await servePage(fileURLToPath(new URL("page.ts", import.meta.url)));
    const browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
    try {
      const tab = await browser.newPage();
      const problems: string[] = [];
      tab.on("pageerror", (error) => problems.push(String(error)));
      await tab.goto(`${page.url}?webgpu&model=${family}`);
      await tab.waitForFunction(() => globalThis.result !== undefined);
      const { losses, engine } = await tab.evaluate(() => globalThis.result);
      expect(problems).toEqual([]);
      expect(engine).toMatch(/WebGPU/);
      const node = await createOrtEngine();
      const expected = await threeSteps(node, family);
      await node.dispose();
      const apart = losses.map((loss, i) => Math.abs(loss - expected[i]) / expected[i]);
      expect(Math.max(...apart)).toBeLessThan(1e-4);
    } finally {
      await browser.close();
    }
  });
});
