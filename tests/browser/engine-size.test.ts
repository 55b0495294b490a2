/** @file What a page loads of the engine beside its model. */

import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { WEB_ENGINE_FILES } from "../../src/served/exporting/web-page.ts";

const folder = dirname(fileURLToPath(import.meta.resolve("onnxruntime-web")));
const megabytes = (files: readonly string[]): number =>
  files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0) / 1e6;

test("a page loads at most 16 MB of engine on WebAssembly, and 30 MB on WebGPU", () => {
  expect(megabytes(WEB_ENGINE_FILES.wasm)).toBeLessThanOrEqual(16);
  expect(megabytes(WEB_ENGINE_FILES.webgpu)).toBeLessThanOrEqual(30);
});
