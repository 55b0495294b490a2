/** @file Builds the local page of `ocelli ui`: Svelte components and their style, bundled by esbuild. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Plugin, build } from "esbuild";
import { compile } from "svelte/compiler";

/** Compiles `.svelte` files; their warnings are errors. */
const svelte: Plugin = {
  name: "svelte",
  setup({ onLoad }) {
    onLoad({ filter: /\.svelte$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      const { js, warnings } = compile(source, {
        filename: path,
        generate: "client",
        css: "injected",
      });
      const errors = warnings.map(({ message, start }) => ({
        text: message,
        location: { file: path, line: start?.line ?? 1, column: start?.column ?? 0 },
      }));
      return { contents: js.code, loader: "ts", errors };
    });
  },
};

/** Builds the page in the folder `source` into `target`: index.html, page.js, page.css. */
export async function buildPage(source: string, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  await build({
    entryPoints: [join(source, "page.ts")],
    outdir: target,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["svelte", "browser", "production"],
    mainFields: ["svelte", "browser", "module", "main"],
    logLevel: "error",
    plugins: [svelte],
  });
  cpSync(join(source, "index.html"), join(target, "index.html"));
}

const CACHE = fileURLToPath(new URL("../.cache/page/", import.meta.url));

/** The folder with the built page, built where its sources changed. */
export async function cachedPage(source: string): Promise<URL> {
  const hash = createHash("sha256");
  const shared = fileURLToPath(new URL("../src/runs/", import.meta.url));
  for (const folder of [source, shared]) {
    for (const name of readdirSync(folder).sort()) {
      if (/\.(ts|svelte|css|html)$/.test(name)) hash.update(readFileSync(join(folder, name)));
    }
  }
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  const target = join(CACHE, hash.digest("hex").slice(0, 16));
  if (!existsSync(target)) {
    const partial = `${target}.${process.pid}`;
    await buildPage(source, partial);
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
  }
  return pathToFileURL(`${target}/`);
}
