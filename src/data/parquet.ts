/** @file Parquet files of images, as published on the Hugging Face hub. */

import { type FileMetaData, parquetMetadataAsync, parquetRead, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { OcelliError, unknownName } from "../errors.ts";
import { formatError } from "../formats/bytes.ts";
import { type ByteFile, openBytes } from "./byte-file.ts";
import { createCache } from "./cache.ts";
import { fileIds, inSplit } from "./file-ids.ts";
import { type Found, foundDataset } from "./found.ts";
import { type Labels, readLabels } from "./labels.ts";
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
/** No codec packs better than this but by damage or ill will. */
const MAX_RATIO = 4096;

/** A file, opened. */
interface ParquetFile {
  readonly file: ByteFile;
  readonly metadata: FileMetaData;
  readonly image: string;
  readonly label: string;
  readonly classes: readonly string[] | undefined;
}

/** Some rows of a file that are read together. */
interface RowGroup {
  readonly parquet: ParquetFile;
  readonly begin: number;
  readonly end: number;
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
      for (const block of rowGroups(parquet)) {
        const values = await readColumn(block, parquet.label);
        firsts.push(ids.length);
        values.forEach((value, row) => {
          ids.push(inSplit(split, `${names[i]}/${block.begin + row}`));
          labels.push(labelOf(value, `${path}, row ${block.begin + row}`));
          blockOf.push(blocks.length);
        });
        blocks.push(block);
      }
    }
    const largest = Math.max(1, ...blocks.map(({ parquet, begin }) => groupBytes(parquet, begin)));
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
          const values = await readColumn(block, block.parquet.image);
          const bytes = values.reduce((sum: number, row) => sum + (bytesIn(row)?.length ?? 0), 0);
          return { value: values, bytes };
        });
        const found = bytesIn(rows[index - firsts[blockOf[index]]]);
        if (found) return found;
        const { file, image: column } = block.parquet;
        throw new OcelliError("data", `${file.name}: ${ids[index]} has no bytes in "${column}".`);
      },
    });
  }
  const place = [...groups.values()].flat()[0];
  return foundDataset({ name: "parquet", splits, classes: named, shares, place });
}

function bytesIn(value: unknown): Uint8Array | undefined {
  const bytes =
    value instanceof Uint8Array ? value : (value as { bytes?: unknown } | null | undefined)?.bytes;
  return bytes instanceof Uint8Array ? bytes : undefined;
}

function labelOf(value: unknown, which: string): Labels {
  const label = readLabels(value);
  if (label !== undefined) return label;
  throw new OcelliError("data", `${which}: its label is no name, number or list of them.`);
}

async function openFile(path: string, image?: string, label?: string): Promise<ParquetFile> {
  const file = await openBytes(path);
  return guarded(path, async () => {
    const metadata = await parquetMetadataAsync(asyncBuffer(file));
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    const features = hubFeatures(metadata);
    const ofType = (type: string) => columns.find((name) => features[name]?._type === type);
    const pick = (what: string, given: string | undefined, usual: (string | undefined)[]) => {
      const found = given ?? usual.find((name) => name !== undefined && columns.includes(name));
      if (found !== undefined && columns.includes(found)) return found;
      const error = unknownName(`${what} column of ${path}`, given ?? what, columns, "data");
      throw new OcelliError("data", error.message, { hint: `Name it by data.${what}.` });
    };
    const labelColumn = pick("label", label, [
      ofType("ClassLabel"),
      "label",
      "labels",
      "fine_label",
    ]);
    return {
      file,
      metadata,
      image: pick("image", image, [ofType("Image"), "image", "img"]),
      label: labelColumn,
      classes: features[labelColumn]?.names,
    };
  });
}

/** A column's description in the metadata of the Hugging Face library `datasets`. */
interface HubFeature {
  readonly _type?: string;
  readonly names?: readonly string[];
}

function hubFeatures({ key_value_metadata: pairs }: FileMetaData): Record<string, HubFeature> {
  const text = pairs?.find(({ key }) => key === "huggingface")?.value;
  if (text === undefined) return {};
  const { info } = JSON.parse(text) as { info?: { features?: Record<string, HubFeature> } };
  return info?.features ?? {};
}

function* rowGroups(parquet: ParquetFile): Generator<RowGroup> {
  let begin = 0;
  for (const { num_rows: rows } of parquet.metadata.row_groups) {
    const end = begin + Number(rows);
    // Every row has an image, so there are fewer rows than bytes.
    if (!(end >= begin && end <= parquet.file.size)) {
      throw formatError(`${parquet.file.name}: ${rows} rows in a group are impossible.`);
    }
    if (end > begin) yield { parquet, begin, end };
    begin = end;
  }
}

/** Bytes of a row group's images, decoded. */
function groupBytes({ metadata, image }: ParquetFile, begin: number): number {
  let row = 0;
  const group = metadata.row_groups.find(({ num_rows: rows }) => (row += Number(rows)) > begin);
  return (group?.columns ?? [])
    .filter(({ meta_data: meta }) => meta?.path_in_schema[0] === image)
    .reduce((sum, { meta_data: meta }) => sum + Number(meta!.total_uncompressed_size), 0);
}

function readColumn({ parquet, begin, end }: RowGroup, column: string): Promise<unknown[]> {
  const { file, metadata } = parquet;
  return guarded(file.name, async () => {
    let rows: unknown[] = [];
    await parquetRead({
      file: asyncBuffer(file),
      metadata,
      columns: [column],
      rowStart: begin,
      rowEnd: end,
      compressors: bounded,
      utf8: false,
      rowFormat: "object",
      onComplete: (found) => (rows = found.map((row) => row[column] as unknown)),
    });
    if (rows.length === end - begin) return rows;
    throw formatError(`${file.name}: a row group has ${rows.length} of its ${end - begin} rows.`);
  });
}

const asyncBuffer = (file: ByteFile) => ({
  byteLength: file.size,
  slice(begin: number, end = file.size): Promise<ArrayBuffer> {
    const read = async () => {
      const at = begin < 0 ? file.size + begin : begin;
      if (!(at >= 0 && at <= end && end <= file.size)) throw new Error("a range outside the file");
      const bytes = await file.read(at, end);
      return bytes.buffer as ArrayBuffer; // exactly the range: every reader allocates what it returns
    };
    const reading = read();
    reading.catch(() => undefined); // a range read ahead, and not wanted once another one failed
    return reading;
  },
});

/** The decompressors, refusing sizes that their input cannot hold. */
const bounded = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (input: Uint8Array, size: number) => {
      if (size > MAX_RATIO * (input.length + 16)) throw new Error("an impossible page size");
      return decompress(input, size);
    },
  ]),
) as typeof compressors;

/** What `parse` gives; whatever it throws but ours is an error about the file. */
async function guarded<T>(path: string, parse: () => Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    if (error instanceof OcelliError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw formatError(`${path} is no parquet file, or damaged: ${reason}.`, error);
  }
}
