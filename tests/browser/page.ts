/** @file The page of the browser test: opens the engine as any page would and trains three steps. */

import { createWebEngine } from "../../src/web/index.ts";
import { type Family, threeSteps } from "./three-steps.ts";

declare global {
  var result: Promise<{ losses: number[]; engine: string }>;
}

const ORT = "/ort/ort.all.min.mjs";

async function train(): Promise<{ losses: number[]; engine: string }> {
  const ort = (await import(ORT)) as Parameters<typeof createWebEngine>[0];
  const engine = await createWebEngine(ort, { threads: 2, wasmPaths: "/ort/" });
  const family = new URLSearchParams(location.search).get("model") as Family | null;
  return { losses: await threeSteps(engine, family ?? "vit"), engine: engine.description };
}

globalThis.result = train();
