/** @file Parquet files of images, as published on the Hugging Face hub. */

import { OcelliError, unknownName } from "../errors.ts";
import { Budget, checkName, parseJson, unpackLimit } from "../formats/budget.ts";
import type { ParquetChunk, ParquetColumn, ParquetMetadata } from "../formats/parquet/metadata.ts";
import { openBytes } from "./byte-file.ts";
import { createCache } from "./cache.ts";
import { fileIds, inSplit } from "./file-ids.ts";
import { type Found, foundDataset } from "./found.ts";
import { type Labels, readLabels } from "./labels.ts";
import { type ParquetFile, openParquetFile } from "./parquet-file.ts";
import { type Files, expandFiles } from "./shards.ts";
import type { Dataset } from "./source.ts";

/** How to open parquet files. */
export interface ParquetOptions {
  readonly files: Files;
  /** The column of images: bytes, or structs of `bytes` and `path`; found out unless given. */
  readonly image?: string;
  /** The column of labels; found out unless given. */
  readonly label?: string;
  /** The class names; those that the file's Hugging Face metadata tells unless given. */
  readonly classes?: readonly string[];
  readonly splits?: Readonly<Record<string, number>>;
}

/** Bytes of decoded row groups that are held; one more than fits may be held for a while. */
const CACHE = 2 ** 29;
const MAX_BLOCKS = 64;

/** Bytes that the labels of all files may unpack to, beside what their sizes allow. */
const LABELS = 2 ** 28;

/** A file of images, opened. */
interface ImageFile {
  readonly file: ParquetFile;
  readonly image: ParquetColumn;
  readonly label: ParquetColumn;
  readonly classes: readonly string[] | undefined;
}

/** Some rows of a file that are read together. */
interface RowGroup {
  readonly parquet: ImageFile;
  /** The first row's number. */
  readonly begin: number;
  readonly rows: number;
  readonly image: ParquetChunk;
  readonly label: ParquetChunk;
}

/**
 * Images in parquet files. Labels are read at opening and held; images are read by row group, and groups that were used
 * last are held up to 512 MiB, at least one. Training therefore mixes some groups at a time. Ids are the file's name and
 * the row's number.
 */
export async function openParquet({
  files,
  image,
  label,
  classes,
  splits: shares,
}: ParquetOptions): Promise<Dataset> {
  const cache = createCache<RowGroup, unknown[]>(CACHE);
  const splits = new Map<string, Found>();
  const all = new Budget("the data set", { bytes: LABELS });
  let named = classes;
  const groups = await expandFiles(files, /\.parquet$/i);
  for (const [split, paths] of groups) {
    const names = fileIds(paths);
    const ids: string[] = [];
    const labels: Labels[] = [];
    const blocks: RowGroup[] = [];
    const blockOf: number[] = [];
    const firsts: number[] = [];
    for (const [i, path] of paths.entries()) {
      const parquet = await openFile(path, image, label);
      named ??= parquet.classes;
      const { size } = parquet.file;
      all.allow(unpackLimit(size) - unpackLimit(0));
      const budget = new Budget(path, { bytes: unpackLimit(size) }, all);
      for (const block of rowGroups(parquet)) {
        const values = await parquet.file.read(block.label, block.rows, budget);
        firsts.push(ids.length);
        values.forEach((value, row) => {
          ids.push(inSplit(split, `${names[i]}/${block.begin + row}`));
          labels.push(labelOf(value, `${path}, row ${block.begin + row}`));
          blockOf.push(blocks.length);
        });
        blocks.push(block);
      }
    }
    const largest = blocks.reduce((most, { image }) => Math.max(most, image.bytes), 1);
    splits.set(split, {
      ids,
      labels,
      blocks: {
        of: (index) => blockOf[index],
        atOnce: Math.min(MAX_BLOCKS, Math.max(1, Math.floor(CACHE / 2 / largest))),
      },
      async image(index) {
        const block = blocks[blockOf[index]];
        const rows = await cache(block, async () => {
          const values = await block.parquet.file.read(block.image, block.rows);
          const bytes = values.reduce((sum: number, row) => sum + (bytesOf(row)?.length ?? 0), 0);
          return { value: values, bytes };
        });
        const found = bytesOf(rows[index - firsts[blockOf[index]]]);
        if (found) return found;
        const { file, image: column } = block.parquet;
        const name = column.path.join(".");
        throw new OcelliError("data", `${file.name}: ${ids[index]} has no bytes in "${name}".`);
      },
    });
  }
  const place = [...groups.values()].flat()[0];
  return foundDataset({ name: "parquet", splits, classes: named, shares, place });
}

const bytesOf = (value: unknown): Uint8Array | undefined =>
  value instanceof Uint8Array ? value : undefined;

function labelOf(value: unknown, which: string): Labels {
  const label = readLabels(value, which);
  if (label !== undefined) return label;
  throw new OcelliError("data", `${which}: its label is no name, number or list of them.`);
}

async function openFile(path: string, image?: string, label?: string): Promise<ImageFile> {
  const file = await openParquetFile(await openBytes(path));
  const { metadata } = file;
  const columns = [...new Set(metadata.columns.map((column) => column.path[0]))];
  const features = hubFeatures(metadata, path);
  const ofType = (type: string) => columns.find((name) => features[name]?._type === type);
  const pick = (what: string, given: string | undefined, usual: (string | undefined)[]) => {
    const found = given ?? usual.find((name) => name !== undefined && columns.includes(name));
    if (found !== undefined && columns.includes(found)) return found;
    const error = unknownName(`${what} column of ${path}`, given ?? what, columns, "data");
    throw new OcelliError("data", error.message, { hint: `Name it by data.${what}.` });
  };
  const labelColumn = pick("label", label, [ofType("ClassLabel"), "label", "labels", "fine_label"]);
  const imageColumn = pick("image", image, [ofType("Image"), "image", "img"]);
  const labels = leaves(metadata, labelColumn);
  if (labels.length !== 1) {
    throw new OcelliError("data", `${path}: "${labelColumn}" holds structs, which are no labels.`);
  }
  const images = leaves(metadata, imageColumn);
  const bytes = images.find(({ path }) => path.length > 1 && path.at(-1) === "bytes") ?? images[0];
  const names = features[labelColumn]?.names;
  const isList = Array.isArray(names) && names.every((name) => typeof name === "string");
  const classes = isList
    ? (names as string[]).map((one) => checkName(one, `${path}: a class`))
    : undefined;
  return { file, image: bytes, label: labels[0], classes };
}

const leaves = ({ columns }: ParquetMetadata, name: string): ParquetColumn[] =>
  columns.filter(({ path }) => path[0] === name);

/** A column's description in the metadata of the Hugging Face library `datasets`. */
interface HubFeature {
  readonly _type?: string;
  readonly names?: unknown;
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
    if (rows > 0) yield { parquet, begin, rows, image, label: chunkOf(parquet.label) };
    begin += rows;
  }
}
