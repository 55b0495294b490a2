/** @file The page's files: beside this one in the package; built from `page/` in the repository. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** What a browser loads. */
export interface PageFiles {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

const BUILT = new URL("./built/", import.meta.url);
const BUILDER = new URL("../../scripts/build-page.ts", import.meta.url);

/** Reads the page's files; in the repository they are built first where they are missing or old. */
export async function loadPage(): Promise<PageFiles> {
  const folder = existsSync(BUILT) ? BUILT : await build();
  const text = (name: string) => readFile(new URL(name, folder), "utf8");
  const [html, script, style] = await Promise.all(["index.html", "page.js", "page.css"].map(text));
  return { html, script, style };
}

async function build(): Promise<URL> {
  const builder = (await import(BUILDER.href)) as { cachedPage(source: string): Promise<URL> };
  return builder.cachedPage(fileURLToPath(new URL("./page/", import.meta.url)));
}
