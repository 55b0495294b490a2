/** @file For pages without a bundler of their own: the engine lies in `ort/` beside the script. */

import type { Plugin } from "esbuild";

/** Leaves the engine outside of a script: a page loads the one of the two that it computes with. */
export const engineBeside: Plugin = {
  name: "engine beside",
  setup({ onResolve }) {
    onResolve({ filter: /^onnxruntime-web\/(wasm|webgpu)$/ }, ({ path }) => ({
      path: `./ort/ort.${path.split("/")[1]}.min.mjs`,
      external: true,
    }));
  },
};
