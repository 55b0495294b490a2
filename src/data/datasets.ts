/** @file The data sets by name. */

import type { DataConfig } from "./config.ts";
import { openMixture } from "./mixture.ts";
import { sourceDefinition } from "./registry.ts";
import type { Dataset } from "./source.ts";

/**
 * Opens a data set. Folders are listed and archives indexed at once; images are read when they are asked for.
 *
 * @throws a data error of one line that names the file or folder at fault
 * @example
 * const dataset = await openDataset({ name: "folder", dir: "pets" });
 * const train = await openSplit(dataset, "train");
 * const { image, label } = await train.read(0); // the file's bytes; its class
 */
export async function openDataset(config: DataConfig): Promise<Dataset> {
  if (config.name !== "mixture") {
    const { name, ...options } = config;
    return sourceDefinition(name).open(options);
  }
  const parts = config.parts.map(async ({ data, weight }) => {
    return { data: await openDataset(data), weight };
  });
  return openMixture(await Promise.all(parts));
}
