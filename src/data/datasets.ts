/** @file The data sets by name. */

import { openIdx } from "./idx.ts";
import { openMnist } from "./mnist.ts";
import { openNpzFolder } from "./npz.ts";
import type { Dataset } from "./source.ts";

/** Which data set to open. */
type DataConfig =
  | { readonly name: "mnist" }
  | { readonly name: "idx" | "npz"; readonly dir: string; readonly classes?: readonly string[] };

/** Opens a data set; its splits are read when they are asked for. */
export async function openDataset(config: DataConfig): Promise<Dataset> {
  switch (config.name) {
    case "mnist":
      return openMnist();
    case "idx":
      return openIdx(config);
    case "npz":
      return openNpzFolder(config);
  }
}
