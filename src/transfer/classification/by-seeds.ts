/** @file The same transfer by several seeds: how far its accuracy is chance. */

import { join } from "node:path";
import type { DataConfig } from "../../data/config.ts";
import type { TransferOptions, TransferResult } from "./options.ts";
import { transfer } from "./transfer.ts";

/** What {@link transferBySeeds} yields. */
export interface SeedsResult {
  /** The mean, from 0 to 1, of those that were not interrupted. */
  readonly accuracy: number;
  readonly accuracies: readonly number[];
  readonly results: readonly TransferResult[];
  readonly interrupted: boolean;
}

/**
 * Transfers by as many seeds, one after another from `seed` on; `workdir` then holds a run for each, `seed-0` and so on.
 * Features of images that several of them see are computed once.
 *
 * @param see is told of each result
 */
export async function transferBySeeds(
  data: DataConfig,
  { seed: first = 0, workdir, ...options }: TransferOptions,
  seeds: number,
  see: (result: TransferResult) => void = () => undefined,
): Promise<SeedsResult> {
  const results: TransferResult[] = [];
  for (let seed = first; seed < first + seeds && !options.signal?.aborted; seed++) {
    const folder = workdir === undefined ? undefined : join(workdir, `seed-${seed}`);
    const result = await transfer(data, { ...options, seed, workdir: folder });
    see(result);
    results.push(result);
  }
  const accuracies = results.flatMap(({ accuracy }) => accuracy ?? []);
  const accuracy = accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length;
  const interrupted = results.some((result) => result.interrupted) || results.length < seeds;
  return { accuracy, accuracies, results, interrupted };
}
