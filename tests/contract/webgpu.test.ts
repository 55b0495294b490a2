/**
 * @file The contract on a GPU in Node. A software adapter takes minutes to compile the shaders, so that it is asked for:
 * `OCELLI_LONG=1 npx vitest run tests/contract/webgpu.test.ts` (docs/gpu.md says how to have an adapter without a GPU).
 */

import { describe, expect, it, vi } from "vitest";
import { createWebGpuEngine } from "../../src/engines/ort/index.ts";
import { checkSupported } from "../../src/engines/ort/unsupported.ts";
import { gpuAccuracy } from "./gpu-accuracy.ts";
import { gpuRefusals, sortedRefusals } from "./refusals.ts";
import { contract } from "./suite.ts";

const engine =
  process.env.OCELLI_LONG === "1"
    ? await createWebGpuEngine().catch((error: unknown) => String(error))
    : "asked for by OCELLI_LONG=1";

if (typeof engine === "string") {
  it.skip(`no GPU: ${engine}`);
} else {
  describe(engine.description, () => {
    vi.setConfig({ testTimeout: 600_000 });
    const refused = contract({
      name: engine.name,
      create: () => Promise.resolve(engine),
      checkSupported: (program) => checkSupported(program, engine.gpu),
      accuracy: gpuAccuracy,
    });
    it("refuses these rows, and no others", () => {
      expect(sortedRefusals(refused)).toEqual(sortedRefusals(gpuRefusals(engine.gpu?.float16)));
    });
  });
}
