/**
 * @file Builds the page into a folder that any web server can serve, the frozen model in it:
 * `node examples/teach/build.ts FOLDER`.
 */

import { existsSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openBackbone } from "ocelli";
import { checkpointChunks } from "ocelli/weights";
import { build } from "esbuild";

const PAGE = fileURLToPath(new URL("page/", import.meta.url));

/** onnxruntime-web's loader and its WebAssembly, by what it computes on. A page loads one of the two. */
export const ORT_FILES = {
  wasm: ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"],
  webgpu: [
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
  ],
} as const;

/** Options of {@link buildTeach}. */
export interface BuildOptions {
  /** The frozen model: what `ocelli transfer --model` takes; efficientnet-lite0 unless given. */
  readonly backbone?: string;
  readonly report?: (line: string) => void;
}

/** Builds into `target`; a frozen model that is there already stays. */
export async function buildTeach(
  target: string,
  { backbone = "efficientnet-lite0", report = () => undefined }: BuildOptions = {},
): Promise<void> {
  await mkdir(join(target, "ort"), { recursive: true });
  await build({
    entryPoints: [join(PAGE, "page.ts"), join(PAGE, "worker.ts")],
    outdir: target,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2024",
    logLevel: "error",
  });
  await copyFile(join(PAGE, "index.html"), join(target, "index.html"));
  const ort = dirname(fileURLToPath(import.meta.resolve("onnxruntime-web")));
  for (const file of Object.values(ORT_FILES).flat())
    await copyFile(join(ort, file), join(target, "ort", file));
  const model = join(target, "backbone.safetensors");
  if (existsSync(model)) return;
  const { params, variables, ...card } = await openBackbone(backbone, { report });
  const { model: options, preprocessing, imageShape } = card;
  const described = { model: options, preprocessing, imageShape, step: 0 };
  const chunks = checkpointChunks({
    card: { ...described, task: { name: "features" }, names: {} },
    ...{ params, variables },
  });
  await writeFile(model, Buffer.concat(chunks));
}

if (import.meta.main) {
  const [target = fileURLToPath(new URL("../../.cache/teach", import.meta.url))] =
    process.argv.slice(2);
  await buildTeach(target, { report: console.log });
  console.log(target);
}
