/**
 * @file The contract of engines in a tab, on WebGPU and on WebAssembly. It wants Debian's `chromium`, whose software adapter
 * takes its time: `OCELLI_LONG=1 npx vitest run tests/browser/contract.test.ts`.
 */

import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { families } from "../contract/cases/index.ts";
import { sortedRefusals, tabRefusals } from "../contract/refusals.ts";
import type { GroupResult } from "./contract-page.ts";
import { launchGpuChromium, withoutGpu } from "./gpu-chromium.ts";
import { type Page, servePage } from "./serve.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The outermost groups of the suite; "" for what is in none. */
const GROUPS = ["", "handles", "outputs", "donation", "arbitrary shapes", ...Object.keys(families)];

describe.skipIf(withoutGpu !== "").each(["webgpu", "wasm"] as const)(
  `the contract in a tab on %s${withoutGpu}`,
  (device) => {
    let page: Page;
    let browser: Browser;
    const refused: Record<string, string[]> = {};
    beforeAll(async () => {
      page = await servePage(here("contract-page.ts"), {
        folders: { "/golden/": here("../golden") },
        alias: { vitest: here("tab-tests.ts"), "node:fs": here("fetched-files.ts") },
      });
      browser = await launchGpuChromium();
    });
    afterAll(async () => {
      await browser.close();
      page[Symbol.dispose]();
    });

    it.each(GROUPS)("%s", { timeout: 1_800_000 }, async (group) => {
      const tab = await browser.newPage();
      await tab.goto(`${page.url}?device=${device}&group=${encodeURIComponent(group)}`);
      await tab.waitForFunction(() => globalThis.contractResult !== undefined);
      const result: GroupResult = await tab.evaluate(() => globalThis.contractResult);
      await tab.close();
      for (const [why, rows] of Object.entries(result.refusals)) {
        (refused[why] ??= []).push(...rows);
      }
      expect(result.engine).toMatch(device === "webgpu" ? /WebGPU/ : /WebAssembly, 2 threads/);
      expect(result.groups).toEqual(GROUPS);
      expect(result.failures).toEqual([]);
      expect(result.ran).toBeGreaterThan(0);
    });

    it("refuses these rows, and no others", () => {
      expect(sortedRefusals(refused)).toEqual(sortedRefusals(tabRefusals(device)));
    });
  },
);
