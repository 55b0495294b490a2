/**
 * @file Builds the example with a run's model into a folder that any web server can serve:
 * `node examples/worker/build.ts RUN FOLDER`.
 */

import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { copyWebEngine, exportForWeb } from "ocelli";
import { type Plugin, build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** The engine lies beside the scripts; a bundler that splits, such as Vite, needs nothing of this. */
const engineBeside: Plugin = {
  name: "engine beside",
  setup({ onResolve }) {
    onResolve({ filter: /^onnxruntime-web\/(wasm|webgpu)$/ }, ({ path }) => ({
      path: `./ort/ort.${path.split("/")[1]}.min.mjs`,
      external: true,
    }));
  },
};

/** Builds into `folder`: page, worker, engine, and the model below `model/`. */
export async function buildWorkerExample(run: string, folder: string): Promise<void> {
  await exportForWeb(run, { folder: join(folder, "model") });
  for (const own of ["index.html", "ocelli.js", "ort"]) {
    await rm(join(folder, "model", own), { recursive: true }); // the page of the example takes their place
  }
  await build({
    entryPoints: [join(HERE, "page.ts"), join(HERE, "worker.ts")],
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "error",
    plugins: [engineBeside],
  });
  await copyWebEngine(join(folder, "ort"));
  await cp(join(HERE, "index.html"), join(folder, "index.html"));
}

if (import.meta.main) {
  const [run, folder] = process.argv.slice(2);
  await buildWorkerExample(run, folder);
  console.log(folder);
}
