/** @file The data sets by name. */

import type { DataConfig } from "./config.ts";
import { openComposites } from "./composites/composites.ts";
import { detectData } from "./readers/detect.ts";
import { openFolder } from "./readers/folder.ts";
import { openIdx } from "./readers/idx.ts";
import { openMaps } from "./readers/maps.ts";
import { openMixture } from "./mixture.ts";
import { openMnist } from "./readers/mnist.ts";
import { openNpzFolder } from "./readers/npz.ts";
import { openParquet } from "./readers/parquet.ts";
import type { Dataset } from "./source.ts";
import { openTable } from "./readers/table.ts";
import { openTar } from "./readers/tar.ts";
import { openTfrecord } from "./readers/tfrecord.ts";

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
  switch (config.name) {
    case "mnist":
      return openMnist();
    case "idx":
      return openIdx(config);
    case "npz":
      return openNpzFolder(config);
    case "folder":
      return openFolder(config);
    case "maps":
      return openMaps(config);
    case "composites":
      return openComposites(config, async (path) => openDataset(await detectData(path)));
    case "tar":
      return openTar(config);
    case "tfrecord":
      return openTfrecord(config);
    case "parquet":
      return openParquet(config);
    case "jsonl":
    case "csv":
      return openTable(config);
    case "mixture": {
      const parts = config.parts.map(async ({ data, weight }) => {
        return { data: await openDataset(data), weight };
      });
      return openMixture(await Promise.all(parts));
    }
  }
}
