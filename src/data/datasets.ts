/** @file The data sets by name. */

import type { DataConfig } from "./config.ts";
import { openFolder } from "./readers/folder.ts";
import { openIdx } from "./readers/idx.ts";
import { openMixture } from "./mixture.ts";
import { openMnist } from "./readers/mnist.ts";
import { openNpzFolder } from "./readers/npz.ts";
import { openParquet } from "./readers/parquet.ts";
import type { Dataset } from "./source.ts";
import { openTable } from "./readers/table.ts";
import { openTar } from "./readers/tar.ts";
import { openTfrecord } from "./readers/tfrecord.ts";

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
  const labels = "labels" in config ? (config.labels ?? use) : use;
  switch (config.name) {
    case "mnist":
      return openMnist();
    case "idx":
      return openIdx(config);
    case "npz":
      return openNpzFolder(config);
    case "folder":
      return openFolder({ ...config, labels });
    case "tar":
      return openTar({ ...config, labels });
    case "tfrecord":
      return openTfrecord({ ...config, labels });
    case "parquet":
      return openParquet({ ...config, labels });
    case "jsonl":
    case "csv":
      return openTable({ ...config, labels });
    case "mixture": {
      const parts = config.parts.map(async ({ data, weight }) => {
        return { data: await openDataset(data, { labels: use }), weight };
      });
      return openMixture(await Promise.all(parts));
    }
  }
}
