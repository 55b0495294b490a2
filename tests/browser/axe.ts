/** @file What axe-core finds on a page. */

import axe from "axe-core";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

/** The rules that a page breaks, each with the elements and why; empty where it breaks none. */
export async function findBarriers(page: Page): Promise<string[]> {
  // The page's own policy forbids scripts from elsewhere, so the text is run by the browser's debugger.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
  );
}
