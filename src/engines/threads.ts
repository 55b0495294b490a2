/** @file The one CPU budget: engines, image decoding and workers take their threads from here. */

import { availableParallelism } from "node:os";

/** Threads by use. */
export interface CpuBudget {
  /** Threads that an engine computes with. */
  readonly engine: number;
  /** Threads that decode images. */
  readonly decode: number;
}

/**
 * The budget of this process. The engine gets every core that the process may use: training data is put together by
 * the main thread, which sleeps while the engine computes, and images are decoded between runs.
 */
export function cpuBudget(cores: number = availableParallelism()): CpuBudget {
  return { engine: cores, decode: cores };
}
