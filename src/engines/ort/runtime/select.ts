/** @file Which way to ONNX Runtime in Node: chosen once, and said. */

import { loadCApi } from "./c-api.ts";
import { createNodeRuntime } from "./fallback.ts";
import { fetchLibrary, findLibrary } from "./library.ts";
import { createNativeRuntime } from "./native.ts";
import type { Runtime } from "./runtime.ts";

/** How to open ONNX Runtime in Node. */
export interface OpenOptions {
  /** Threads that a session uses, the calling one included. */
  readonly threads: number;
  /** "c-api" fails where it cannot be used; "node" is for comparison. By default the C API where it can be. */
  readonly prefer?: "c-api" | "node";
}

/**
 * Opens ONNX Runtime the fastest way that is known to work here; `name` says which and, if not the fastest, why. Its
 * library is fetched where it is not there yet.
 */
export async function openRuntime({ threads, prefer }: OpenOptions): Promise<Runtime> {
  if (prefer === "node") return createNodeRuntime({ threads });
  if (!findLibrary()) await fetchLibrary();
  if (prefer === "c-api") return createNativeRuntime({ threads });
  const api = loadCApi();
  if (typeof api !== "string") return createNativeRuntime({ threads });
  return createNodeRuntime({ threads, because: api });
}
