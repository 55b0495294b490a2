/** @file Builds the browser entry as one script for pages without a bundler; it loads the engine from `ort/` beside it. */

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { engineBeside } from "./engine-beside.ts";

/** The script's bytes. */
export async function buildWeb(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../src/web/page.ts", import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    logLevel: "error",
    plugins: [engineBeside],
  });
  return outputFiles[0].contents;
}

/** Writes the script into a folder of the published package. */
export async function buildWebInto(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/ocelli.js`, await buildWeb());
}
