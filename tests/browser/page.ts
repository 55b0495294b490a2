/** @file The page of the browser test: opens the engine as any page would and trains three steps. */

import { createWebEngine } from "../../src/web/index.ts";
import { type Family, threeSteps } from "./three-steps.ts";

declare global {
  var result: Promise<{ losses: number[]; engine: string }>;
}

async function train(): Promise<{ losses: number[]; engine: string }> {
  const asked = new URLSearchParams(location.search);
  const file = asked.has("webgpu") ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs";
  const ort = (await import(`/ort/${file}`)) as Parameters<typeof createWebEngine>[0];
  const engine = await createWebEngine(ort, { threads: 2, wasmPaths: "/ort/" });
  const family = asked.get("model") as Family | null;
  return { losses: await threeSteps(engine, family ?? "vit"), engine: engine.description };
}

globalThis.result = train();
