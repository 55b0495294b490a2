/** @file The page of the tests of a GPU in trouble: one with low limits, one that is lost, one without room. */

import { type DeviceArray, jit } from "../../src/engines/engine.ts";
import { OrtEngine } from "../../src/engines/ort/engine.ts";
import type { OrtModule } from "../../src/engines/ort/runtime/js-api.ts";
import { createWebRuntime } from "../../src/engines/ort/runtime/web.ts";
import {
  type HostArray,
  type Tensor,
  add,
  exp,
  broadcastTo,
  fromNumbers,
} from "../../src/graph/index.ts";
import { LIMIT, largeErrors } from "../webgpu/large-arrays.ts";

declare global {
  var trouble: Readonly<Record<"large" | "lost" | "full", () => Promise<unknown>>>;
}

/** What the browser says of its adapter, lowered: every device is then made with these limits at most. */
function lowerLimits(most: Readonly<Record<string, number>>): void {
  const limits = (globalThis as unknown as { GPUSupportedLimits: { prototype: object } })
    .GPUSupportedLimits.prototype;
  for (const [name, value] of Object.entries(most)) {
    Object.defineProperty(limits, name, { get: () => value });
  }
}

async function open() {
  const path = "/ort/ort.webgpu.min.mjs";
  const ort = (await import(path)) as OrtModule;
  const runtime = await createWebRuntime(ort, {
    ...{ threads: 1, device: "webgpu", wasmPaths: "/ort/" },
  });
  return { ort, runtime, engine: new OrtEngine({ runtime }) };
}

const read = async (array: unknown): Promise<HostArray> => (array as DeviceArray).read();
const problemOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: unknown) => String(error),
  );

globalThis.trouble = {
  /** The limit that the engine knows, and the largest errors of arrays above it. */
  async large() {
    lowerLimits({ maxStorageBufferBindingSize: LIMIT });
    const { engine, runtime } = await open();
    const errors = await largeErrors(engine);
    await engine.dispose();
    return { limit: runtime.gpu!.maxStorageBytes, errors };
  },
  /** What a run and a read say after the device was lost, and a new engine after it. */
  async lost() {
    const { ort, engine } = await open();
    const step = jit(engine, (x: Tensor) => add(x, 1), { donate: [0] });
    const state = await step(fromNumbers([1], [1], "float32"));
    const before = [...(await read(state)).data];
    const kept = await step(await engine.upload(await read(state)));
    const env = ort.env as unknown as { webgpu: { device: Promise<{ destroy(): void }> } };
    (await env.webgpu.device).destroy();
    const next = await problemOf(step(state).then(read));
    const reading = await problemOf(read(kept));
    return { before, next, reading };
  },
  /** What an array says that there is no room for, and whether the next small one works. */
  async full() {
    lowerLimits({ maxBufferSize: 2 * LIMIT, maxStorageBufferBindingSize: LIMIT });
    const { engine } = await open();
    const make = jit(engine, (x: Tensor) => broadcastTo(exp(x), [300 * 256, 1024]));
    const large = await problemOf(make(fromNumbers([1], [], "float32")).then(read));
    const small = await read(
      await jit(engine, (x: Tensor) => add(x, 1))(fromNumbers([1], [], "float32")),
    );
    return { large, small: [...small.data] };
  },
};
