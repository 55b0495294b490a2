/** @file Data sets by name. */

import { type ChoiceAmong, findDefinition } from "../define.ts";
import type { SourceDefinition } from "./define.ts";
import { captionsData } from "./readers/captions.ts";
import { compositesData } from "./composites/composites.ts";
import { emojiData } from "./readers/emoji.ts";
import { folderData } from "./readers/folder.ts";
import { idxData } from "./classification/idx.ts";
import { mapsData } from "./readers/maps.ts";
import { mnistData } from "./classification/mnist.ts";
import { npzData } from "./classification/npz.ts";
import { parquetData } from "./readers/parquet.ts";
import { csvData, jsonlData } from "./readers/table.ts";
import { tarData } from "./readers/tar.ts";
import { tfrecordData } from "./readers/tfrecord.ts";

const BUILT_IN = [
  mnistData,
  idxData,
  npzData,
  folderData,
  mapsData,
  compositesData,
  tarData,
  tfrecordData,
  parquetData,
  jsonlData,
  csvData,
  captionsData,
  emojiData,
] as const;

/** The data sets that a configuration may name, beside mixtures of them. */
export const SOURCES: SourceDefinition[] = [...BUILT_IN] as unknown as SourceDefinition[];

/** A data set by name with its options, none of them a mixture. */
export type PlainDataConfig = ChoiceAmong<"name", (typeof BUILT_IN)[number]>;

/** The definition of a data set, with the nearest names where there is none. */
export const sourceDefinition = (name: string): SourceDefinition =>
  findDefinition("data set", SOURCES, name);
