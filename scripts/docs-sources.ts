/** @file Files of the repository that pages of docs/ link to, put beside the built site: there is no repository around a site. */

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where in the site they lie. */
const FOLDER = "source";
const OUTSIDE = /^\.\.\/([\w./-]+)$/;

/** Where a link of a page to a file or folder outside docs/ leads in the site; undefined for other links. */
export function sourceHref(link: string): string | undefined {
  const [, path] = OUTSIDE.exec(link) ?? [];
  if (path === undefined) return undefined;
  return `/${FOLDER}/${path}${statSync(path).isDirectory() ? ".html" : ".txt"}`;
}

/** Writes what the pages of `docs` link to into a built site: files as text, folders as pages that list their files. */
export function writeSources(docs: string, site: string): void {
  for (const path of linkedFrom(docs)) {
    const files = execFileSync("git", ["ls-files", path], { encoding: "utf8" }).trim().split("\n");
    for (const file of files) write(join(site, FOLDER, `${file}.txt`), readFileSync(file, "utf8"));
    if (statSync(path).isDirectory())
      write(join(site, FOLDER, `${path}.html`), listing(path, files));
  }
}

/** The paths outside docs/ that its pages link to. */
function linkedFrom(docs: string): Set<string> {
  const pages = readdirSync(docs).filter((name) => name.endsWith(".md"));
  const links = pages.flatMap((name) => [
    ...readFileSync(join(docs, name), "utf8").matchAll(/\]\((\.\.\/[^)]+)\)/g),
  ]);
  return new Set(links.flatMap(([, link]) => OUTSIDE.exec(link)?.[1] ?? []));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const listing = (path: string, files: readonly string[]): string => `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <meta name="viewport" content="width=device-width" />
  <title>${path}</title>
  <style>:root { color-scheme: light dark; font: 1rem/1.7 system-ui } body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem }</style>
  <h1>${path}</h1>
  <ul>
${files.map((file) => `    <li><a href="/${FOLDER}/${file}.txt">${file}</a></li>`).join("\n")}
  </ul>
</html>
`;
