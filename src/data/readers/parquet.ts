/** @file Parquet files of images, as published on the Hugging Face hub. */

import { z } from "zod";
import { OcelliError, unknownName } from "../../errors.ts";
import { Budget, checkName, parseJson, unpackLimit } from "../../formats/budget.ts";
import type {
  ParquetChunk,
  ParquetColumn,
  ParquetMetadata,
} from "../../formats/parquet/metadata.ts";
import { readBeside } from "./beside.ts";
import { openBytes } from "../files/byte-file.ts";
import { createCache } from "../files/cache.ts";
import { fileIds, inSplit } from "../files/file-ids.ts";
import { type Found, foundDataset } from "./found.ts";
import { type Labels, isNoLabel, readLabels } from "../classification/labels.ts";
import { type ParquetFile, openParquetFile } from "./parquet-file.ts";
import { expandFiles } from "../files/shards.ts";
import { classKeys, defineSource, filesSchema, labelKeys, splitKeys } from "../define.ts";
import type { Dataset } from "../source.ts";

const parquetSchema = z.strictObject({
  /**
   * Paths, addresses, a pattern or a folder; by split where they are an object.
   *
   * @example "shards/train-*.parquet"
   */
  files: filesSchema,
  /** The column of images: bytes, or structs of `bytes` and `path`. Default: found by its type. */
  image: z.string().optional(),
  /** The column of labels. Default: found by its name. */
  label: z.string().optional(),
  ...classKeys,
  ...splitKeys,
  ...labelKeys,
});

/** Bytes of decoded row groups that are held; one more than fits may be held for a while. */
const CACHE = 2 ** 29;
const MAX_BLOCKS = 64;

/** Bytes that the labels of all files may unpack to, beside what their sizes allow. */
const LABELS = 2 ** 28;

/** A file of images, opened. */
interface ImageFile {
  readonly file: ParquetFile;
  /** The column of bytes, and the one of paths beside it. */
  readonly image: ParquetColumn;
  readonly paths: ParquetColumn | undefined;
  /** Undefined where it has none. */
  readonly label: ParquetColumn | undefined;
  /** What is wrong, where there is no column of labels. */
  readonly unlabelled: string | undefined;
  /** What its labels are called, where it says so. */
  readonly names: readonly string[] | undefined;
}

/** Some rows of a file that are read together. */
interface RowGroup {
  readonly parquet: ImageFile;
  /** The first row's number. */
  readonly begin: number;
  readonly rows: number;
  readonly image: ParquetChunk;
  readonly paths: ParquetChunk | undefined;
  readonly label: ParquetChunk | undefined;
}

/**
 * Images in parquet files. Labels are read at opening and held; images are read by row group, and groups that were used
 * last are held up to 512 MiB, at least one. Training therefore mixes some groups at a time. Ids are the file's name and
 * the row's number. An image without bytes is read by its path, from where the file is.
 */
async function openParquet({
  files,
  image,
  label,
  ...keys
}: z.output<typeof parquetSchema>): Promise<Dataset> {
  const cache = createCache<RowGroup, ImageValue[]>(CACHE);
  const splits = new Map<string, Found>();
  const all = new Budget("the data set", { bytes: LABELS });
  let named: readonly string[] | undefined;
  const groups = await expandFiles(files, /\.parquet$/i);
  for (const [split, paths] of groups) {
    const names = fileIds(paths);
    const ids: string[] = [];
    const labels: (Labels | undefined)[] = [];
    const blocks: RowGroup[] = [];
    const blockOf: number[] = [];
    const firsts: number[] = [];
    let missing: string | undefined;
    for (const [i, path] of paths.entries()) {
      const parquet = await openFile(path, image, keys.labels === "none" ? null : label);
      named ??= parquet.names;
      const { size } = parquet.file;
      all.allow(unpackLimit(size) - unpackLimit(0));
      const budget = new Budget(path, { bytes: unpackLimit(size) }, all);
      const readLabel = parquet.file.readForward();
      for (const block of rowGroups(parquet)) {
        const values = block.label
          ? await readLabel(block.label, block.rows, budget)
          : Array<undefined>(block.rows).fill(undefined);
        firsts.push(ids.length);
        values.forEach((value, row) => {
          const which = `${path}, row ${block.begin + row}`;
          const found = labelOf(value, which);
          if (found === undefined) missing ??= parquet.unlabelled ?? `${which} has no label.`;
          ids.push(inSplit(split, `${names[i]}/${block.begin + row}`));
          labels.push(found);
          blockOf.push(blocks.length);
        });
        blocks.push(block);
      }
    }
    const largest = blocks.reduce((most, { image }) => Math.max(most, image.bytes), 1);
    splits.set(split, {
      ids,
      labels,
      missing,
      blocks: {
        of: (index) => blockOf[index],
        atOnce: Math.min(MAX_BLOCKS, Math.max(1, Math.floor(CACHE / 2 / largest))),
      },
      async image(index) {
        const block = blocks[blockOf[index]];
        const rows = await cache(block, () => readImages(block));
        const found = rows[index - firsts[blockOf[index]]];
        const { file, image: column } = block.parquet;
        if (typeof found === "string") return readBeside(file.name, found);
        if (found) return found;
        const name = column.path.join(".");
        throw new OcelliError("data", `${file.name}: ${ids[index]} has no bytes in "${name}".`);
      },
    });
  }
  const place = [...groups.values()].flat()[0];
  return foundDataset({ name: "parquet", splits, names: named, place }, keys);
}

/** An image's bytes, or the path of its file. */
type ImageValue = Uint8Array | string | undefined;

/** The images of a row group: bytes where there are any, else paths. */
async function readImages(block: RowGroup): Promise<{ value: ImageValue[]; bytes: number }> {
  const { file } = block.parquet;
  const images = (await file.read(block.image, block.rows)).map(imageOf);
  const isWhole = images.every((found) => found !== undefined);
  const paths = isWhole || !block.paths ? [] : await file.read(block.paths, block.rows);
  const value = images.map((found, row) => found ?? imageOf(paths[row]));
  return { value, bytes: value.reduce((sum, found) => sum + (found?.length ?? 0), 0) };
}

const imageOf = (value: unknown): ImageValue =>
  value instanceof Uint8Array || (typeof value === "string" && value !== "") ? value : undefined;

/** The label of a row; undefined where it has none. */
function labelOf(value: unknown, which: string): Labels | undefined {
  const label = readLabels(value, which);
  if (label !== undefined || isNoLabel(value)) return label;
  throw new OcelliError("data", `${which}: its label is no name, number or list of them.`);
}

/** @param label the column of labels; null reads none */
async function openFile(path: string, image?: string, label?: string | null): Promise<ImageFile> {
  const file = await openParquetFile(await openBytes(path));
  const { metadata } = file;
  const columns = [...new Set(metadata.columns.map((column) => column.path[0]))];
  const features = hubFeatures(metadata, path);
  const ofType = (type: string) => columns.find((name) => features[name]?._type === type);
  const missing = (what: string, given: string | undefined): OcelliError => {
    const error = unknownName(`${what} column of ${path}`, given ?? what, columns, "data");
    return new OcelliError("data", error.message, { hint: `Name it by data.${what}.` });
  };
  const pick = (given: string | undefined, usual: (string | undefined)[]): string | undefined =>
    [given ?? usual].flat().find((name) => name !== undefined && columns.includes(name));
  const usualLabels = [
    ...columns.filter((name) => classNames(features[name]) !== undefined),
    "label",
    "labels",
    "fine_label",
  ];
  const labelColumn = label === null ? undefined : pick(label, usualLabels);
  const imageColumn = pick(image, [ofType("Image"), "image", "img", "file_name"]);
  if (imageColumn === undefined) throw missing("image", image);
  const labels = labelColumn === undefined ? [] : leaves(metadata, labelColumn);
  if (labels.length > 1) {
    throw new OcelliError("data", `${path}: "${labelColumn}" holds structs, which are no labels.`);
  }
  const images = leaves(metadata, imageColumn);
  const inside = (name: string): ParquetColumn | undefined =>
    images.find((column) => column.path.length > 1 && column.path.at(-1) === name);
  const called = labelColumn === undefined ? undefined : classNames(features[labelColumn]);
  return {
    file,
    image: inside("bytes") ?? images[0],
    paths: inside("path"),
    label: labels[0],
    unlabelled: labels.length === 0 ? missing("label", label ?? undefined).message : undefined,
    names: called?.map((one) => checkName(one, `${path}: a class`)),
  };
}

const leaves = ({ columns }: ParquetMetadata, name: string): ParquetColumn[] =>
  columns.filter(({ path }) => path[0] === name);

/** A column's description in the metadata of the Hugging Face library `datasets`: of values, or of lists of them. */
interface HubFeature {
  readonly _type?: string;
  readonly names?: unknown;
  readonly feature?: HubFeature;
}

/** The class names of a column of `ClassLabel`, or of a `Sequence`, `List` or `[…]` of such. */
function classNames(feature: HubFeature | readonly HubFeature[] | undefined): string[] | undefined {
  if (Array.isArray(feature)) return classNames((feature as readonly HubFeature[])[0]);
  if (typeof feature !== "object" || feature === null) return undefined;
  const { _type, names, feature: inner } = feature as HubFeature;
  if (inner) return classNames(inner);
  const isList = Array.isArray(names) && names.every((name) => typeof name === "string");
  return isList && (_type === undefined || _type === "ClassLabel") ? names : undefined;
}

function hubFeatures({ notes }: ParquetMetadata, path: string): Record<string, HubFeature> {
  const text = notes.get("huggingface");
  if (text === undefined) return {};
  const note = parseJson(text, `${path}: its huggingface note`);
  const { info } = (note ?? {}) as { info?: { features?: Record<string, HubFeature> } };
  return info?.features ?? {};
}

function* rowGroups(parquet: ImageFile): Generator<RowGroup> {
  let begin = 0;
  for (const { rows, chunks } of parquet.file.metadata.groups) {
    const chunkOf = (column: ParquetColumn) => chunks.find((chunk) => chunk.column === column)!;
    const image = chunkOf(parquet.image);
    const paths = parquet.paths && chunkOf(parquet.paths);
    const label = parquet.label && chunkOf(parquet.label);
    if (rows > 0) yield { parquet, begin, rows, image, paths, label };
    begin += rows;
  }
}

/** Parquet files in a configuration. */
export const parquetData = defineSource({
  name: "parquet",
  schema: parquetSchema,
  open: openParquet,
});
