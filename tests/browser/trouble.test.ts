/**
 * @file A GPU in trouble in a tab: low limits, no room, and a device that is lost. It wants Debian's `chromium`:
 * `OCELLI_LONG=1 npx vitest run tests/browser/trouble.test.ts`.
 */

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIMIT } from "../webgpu/large-arrays.ts";
import { launchGpuChromium, withoutGpu } from "./gpu-chromium.ts";
import { type Page, servePage } from "./serve.ts";
import type {} from "./trouble-page.ts";

describe.skipIf(withoutGpu !== "")(`a GPU in trouble in a tab${withoutGpu}`, () => {
  let page: Page;
  beforeAll(async () => {
    page = await servePage(fileURLToPath(new URL("trouble-page.ts", import.meta.url)));
  });
  afterAll(() => page[Symbol.dispose]());

  const provoke = async (what: keyof typeof globalThis.trouble): Promise<unknown> => {
    const browser = await launchGpuChromium(); // whose GPU process counts what goes wrong in it
    const tab = await browser.newPage();
    await tab.goto(page.url);
    await tab.waitForFunction(() => globalThis.trouble !== undefined);
    const result = await tab.evaluate((name) => globalThis.trouble[name](), what);
    await browser.close();
    return result;
  };

  it("arrays above the limit are computed in pieces", { timeout: 300_000 }, async () => {
    const { limit, errors } = (await provoke("large")) as {
      limit: number;
      errors: Record<string, number>;
    };
    expect(limit).toBe(LIMIT);
    for (const [what, error] of Object.entries(errors)) expect(error, what).toBeLessThan(2e-5);
  });

  it("an array above all that the GPU has is refused, and the next one made", async () => {
    const { large, small } = (await provoke("full")) as { large: string; small: number[] };
    expect(large).toMatch(/an array is larger than the GPU's limit.* Take a smaller batchSize/s);
    expect(small).toEqual([2]);
  });

  it("a lost device is told at the next run and the next read", async () => {
    const { before, next, reading } = (await provoke("lost")) as Record<string, unknown>;
    expect(before).toEqual([2]);
    expect(next).toMatch(/the GPU was lost.* resumes from its last checkpoint/s);
    expect(reading).toMatch(/the GPU was lost.* resumes from its last checkpoint/s);
  });
});
