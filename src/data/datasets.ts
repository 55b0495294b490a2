/** @file The data sets by name. */

import type { DataConfig } from "./config.ts";
import { detectData } from "./readers/detect.ts";
import { openMixture } from "./mixture.ts";
import { sourceDefinition } from "./registry.ts";
import type { Dataset } from "./source.ts";

/** Options of {@link openDataset}. */
interface OpenOptions {
  /**
   * Whether examples must have labels, or may be images alone where the data has no labels for all of a split. What the
   * configuration says comes first. Default: "required".
   */
  readonly labels?: "required" | "optional";
}

/**
 * Opens a data set. Folders are listed and archives indexed at once; images are read when they are asked for.
 *
 * @throws a data error of one line that names the file or folder at fault
 * @example
 * const dataset = await openDataset({ name: "folder", dir: "pets" });
 * const train = await openSplit(dataset, "train");
 * const { image, label } = await train.read(0); // the file's bytes; its class
 */
export async function openDataset(
  config: DataConfig,
  { labels: use = "required" }: OpenOptions = {},
): Promise<Dataset> {
  if (config.name !== "mixture") {
    const { name, ...options } = config;
    const { schema, open } = sourceDefinition(name);
    const labels = "labels" in schema.shape && { labels: use }; // what the configuration says comes first
    return open({ ...labels, ...options }, async (path) => openDataset(await detectData(path)));
  }
  const parts = config.parts.map(async ({ data, weight }) => {
    return { data: await openDataset(data, { labels: use }), weight };
  });
  return openMixture(await Promise.all(parts));
}
