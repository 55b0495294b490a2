/**
 * @file WebGPU in a tab: three training steps have Node's losses. It wants Debian's `chromium`, whose software adapter takes
 * its time: `OCELLI_LONG=1 npx vitest run tests/browser/webgpu.test.ts`.
 */

import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createOrtEngine } from "../../src/engines/ort/index.ts";
import { launchGpuChromium, withoutGpu } from "./gpu-chromium.ts";
import { servePage } from "./serve.ts";
import { FAMILIES, threeSteps } from "./three-steps.ts";

describe.skipIf(withoutGpu !== "")(`WebGPU in a browser${withoutGpu}`, () => {
  test.each(FAMILIES)("%s: three steps", { timeout: 600_000 }, async (family) => {
    using page = await servePage(fileURLToPath(new URL("page.ts", import.meta.url)));
    const browser = await launchGpuChromium();
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
