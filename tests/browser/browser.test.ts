/** @file A real Chromium loads a page and trains: the losses are Node's. */

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createOrtEngine } from "../../src/engines/ort/index.ts";
import { launchChromium } from "./chromium.ts";
import { servePage } from "./serve.ts";
import { threeSteps } from "./three-steps.ts";

test("three training steps of a small ViT in a browser tab have Node's losses", async () => {
  using page = await servePage(fileURLToPath(new URL("page.ts", import.meta.url)));
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    const problems: string[] = [];
    tab.on("pageerror", (error) => problems.push(String(error)));
    await tab.goto(page.url);
    await tab.waitForFunction(() => globalThis.result !== undefined, undefined, {
      timeout: 30_000,
    });
    const { losses, engine } = await tab.evaluate(() => globalThis.result);
    expect(problems).toEqual([]);
    expect(engine).toMatch(/WebGPU|WebAssembly, 2 threads/);

    const node = await createOrtEngine();
    const expected = await threeSteps(node);
    await node.dispose();
    expect(expected[2]).toBeLessThan(expected[0]);
    losses.forEach((loss, i) =>
      expect(Math.abs(loss - expected[i])).toBeLessThan(1e-5 * expected[i]),
    );
  } finally {
    await browser.close();
  }
});
