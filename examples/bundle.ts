/** @file A page and its worker, bundled into a folder that any web server can serve. */

import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { copyWebEngine } from "ocelli";
import { build } from "esbuild";
import { engineBeside } from "../scripts/engine-beside.ts";

/** Bundles `index.html`, `page.ts` and `worker.ts` of a folder into another, the engine below `ort/` in it. */
export async function bundlePage(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await build({
    entryPoints: ["page.ts", "worker.ts"].map((file) => join(from, file)),
    outdir: to,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2024",
    logLevel: "error",
    plugins: [engineBeside], // a bundler that splits, such as Vite, needs nothing of this
  });
  await copyWebEngine(join(to, "ort"));
  await copyFile(join(from, "index.html"), join(to, "index.html"));
}
