/** @file What pages link to outside docs/ lies beside the built site. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sourceHref, writeSources } from "../../scripts/docs-sources.ts";

test("every link of a page to the repository leads to a file of the site", async () => {
  const site = await mkdtemp(join(tmpdir(), "ocelli-sources-"));
  try {
    writeSources("docs", site);
    const pages = readdirSync("docs").filter((name) => name.endsWith(".md"));
    const links = pages.flatMap((name) => {
      const text = readFileSync(join("docs", name), "utf8");
      return [...text.matchAll(/\]\((\.\.\/[^)]+)\)/g)].map(([, link]) => link);
    });
    expect(links).toContain("../examples/python/predict.py");
    for (const link of links) {
      const href = sourceHref(link);
      expect(href, link).toBeDefined();
      expect(existsSync(join(site, href!)), link).toBe(true);
    }
    const listing = readFileSync(join(site, "source/examples/worker.html"), "utf8");
    for (const [, href] of listing.matchAll(/href="([^"]+)"/g)) {
      expect(existsSync(join(site, href)), href).toBe(true);
    }
    expect(sourceHref("web.md#drift")).toBeUndefined();
  } finally {
    await rm(site, { recursive: true });
  }
});
