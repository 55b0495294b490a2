/** @file Folders of idx files named as MNIST's are, plain or gzipped: MNIST, Fashion-MNIST and their like. */

import { z } from "zod";
import { join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { readIdx } from "../../formats/idx.ts";
import { arraySource } from "./arrays.ts";
import { listDataFolder, parseDataFile, readDataFile } from "../files/files.ts";
import { classKeys, defineSource } from "../define.ts";
import type { Dataset } from "../source.ts";

/** `train-images-idx3-ubyte`, `t10k-images.idx3-ubyte.gz`; any other prefix names its split. */
const IMAGES = /^([\w-]+)-images[-.]idx(\d)-ubyte(\.gz)?$/;

const splitName = (prefix: string): string => (prefix === "t10k" ? "test" : prefix);

/** How to open a folder. */
interface IdxOptions {
  readonly name: string;
  readonly dir: string;
  readonly classes?: readonly string[];
  /** How to get missing files. */
  readonly hint?: string;
}

/** A data set of the idx files in a folder; every pair of images and labels is a split (`t10k` is `test`). */
export async function openIdx({ name, dir, classes, hint }: IdxOptions): Promise<Dataset> {
  const files = await listDataFolder(dir, hint);
  const images = new Map(
    files.flatMap((file) => {
      const match = IMAGES.exec(file);
      return match ? [[splitName(match[1]), file] as const] : [];
    }),
  );
  if (images.size === 0) {
    throw new OcelliError("data", `${dir} has no files named like train-images-idx3-ubyte[.gz].`, {
      hint,
    });
  }
  return {
    name,
    splits: [...images.keys()],
    async open(split) {
      const file = images.get(split)!;
      const labels = findLabels(files, file);
      if (!labels) {
        throw new OcelliError("data", `${dir} has ${file} but no labels beside it.`, { hint });
      }
      const read = async (entry: string) => {
        const path = join(dir, entry);
        const bytes = await readDataFile(path, { hint });
        return parseDataFile(path, () => readIdx(bytes));
      };
      const [pixels, targets] = await Promise.all([read(file), read(labels)]);
      return arraySource({ images: pixels, labels: targets, classes, name: `${name}/${split}` });
    },
  };
}

/** The file of the labels that go with a file of images. */
function findLabels(files: readonly string[], images: string): string | undefined {
  const plain = images.replace(/-images([-.])idx\d/, "-labels$1idx1").replace(/\.gz$/, "");
  return files.find((file) => file === plain || file === `${plain}.gz`);
}

/** Folders of idx files in a configuration. */
export const idxData = defineSource({
  name: "idx",
  schema: z.strictObject({
    /** The folder. */
    dir: z.string(),
    ...classKeys,
  }),
  open: (options) => openIdx({ name: "idx", ...options }),
});
