/** @file Folders of npz files: `train.npz`, `test.npz`, … each with `images` and `labels`. */

import { z } from "zod";
import { join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { openNpz } from "../../formats/npz.ts";
import { arraySource } from "./arrays.ts";
import { listDataFolder, parseDataFile, readDataFile } from "../files/files.ts";
import { classKeys, defineSource } from "../define.ts";
import type { Dataset } from "../source.ts";

/** How to open a folder. */
interface NpzFolderOptions {
  readonly name: string;
  readonly dir: string;
  readonly classes?: readonly string[];
}

/** A data set of the npz files in a folder; every file is a split. */
async function openNpzFolder({ name, dir, classes }: NpzFolderOptions): Promise<Dataset> {
  const files = (await listDataFolder(dir)).filter((file) => file.endsWith(".npz"));
  if (files.length === 0) {
    throw new OcelliError("data", `${dir} has no .npz files; each is a split, such as train.npz.`);
  }
  return {
    name,
    splits: files.map((file) => file.slice(0, -".npz".length)),
    async open(split) {
      const path = join(dir, `${split}.npz`);
      const bytes = await readDataFile(path);
      const arrays = parseDataFile(path, () => {
        const { read } = openNpz(bytes);
        return { images: read("images"), labels: read("labels") };
      });
      return arraySource({ ...arrays, classes, name: `${name}/${split}` });
    },
  };
}

/** Folders of npz files in a configuration. */
export const npzData = defineSource({
  name: "npz",
  schema: z.strictObject({
    /** The folder. */
    dir: z.string(),
    ...classKeys,
  }),
  open: (options) => openNpzFolder({ name: "npz", ...options }),
});
