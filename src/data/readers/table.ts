/** @file Tables of image paths and labels: JSON lines and CSV. */

import { z } from "zod";
import { OcelliError, nearestNames } from "../../errors.ts";
import { LIMITS, checkName, parseJson } from "../../formats/budget.ts";
import { formatError } from "../../formats/bytes.ts";
import { csvReader } from "../../formats/csv.ts";
import { type ByteFile } from "../files/random-access.ts";
import { openBytes } from "../files/byte-file.ts";
import { inSplit } from "../files/file-ids.ts";
import { parseDataFile } from "../files/files.ts";
import { type Found, type LabelUse, foundDataset } from "./found.ts";
import { type Labels, isNoLabel, readLabels } from "../classification/labels.ts";
import { expandFiles } from "../files/shards.ts";
import { readBeside } from "./beside.ts";
import { classKeys, defineSource, filesSchema, labelKeys, splitKeys } from "../define.ts";
import type { Dataset } from "../source.ts";
import { usualSplit } from "../splits/split-names.ts";

const tableSchema = z.strictObject({
  /**
   * Paths, addresses, a pattern or a folder; by split where they are an object.
   *
   * @example "list.csv"
   */
  files: filesSchema,
  /** The field of the image's path. Default: `image`, `file_name`, `filename`, `path` or `file`. */
  image: z.string().optional(),
  /** The field of the label. Default: `label`, `labels`, `class` or `category`. */
  label: z.string().optional(),
  ...classKeys,
  ...splitKeys,
  ...labelKeys,
});

/** The kinds of tables. */
type TableName = "jsonl" | "csv";

/** How to open tables. */
type TableOptions = z.output<typeof tableSchema> & { readonly name: TableName };

/** A line of a table. */
interface Row {
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

const IMAGES = ["image", "file_name", "filename", "path", "file"];
const LABELS = ["label", "labels", "class", "category"];
/** How a table's fields are called, where not as usual. */
interface TableFields {
  readonly image?: string;
  readonly label?: string;
  readonly labels?: LabelUse;
}

/** Where a row's image is, and its label. */
interface Entry {
  /** The path as an id. */
  readonly id: string;
  /** The path as the table has it, and the table. */
  readonly path: string;
  readonly table: string;
  /** Undefined where the row has none, as `missing` says. */
  readonly label: Labels | undefined;
  readonly missing: string | undefined;
  /** What the row's field `split` says. */
  readonly split: string | undefined;
}

/**
 * Images named by tables, each with a label: a name, a number, or in JSON lines a list of them where several
 * apply. Paths are relative to the table; addresses are fetched. Splits are said by a field `split` that every row has, or
 * by the first folder of every path. Ids are the paths as written. Holds paths and labels.
 */
export async function openTable({
  name,
  files,
  image,
  label,
  ...keys
}: TableOptions): Promise<Dataset> {
  const bySplit = new Map<string, Entry[]>();
  const extension = name === "csv" ? /\.[ct]sv$/i : /\.(jsonl|ndjson)$/i;
  const groups = await expandFiles(files, extension);
  for (const [split, tables] of groups) {
    const entries: Entry[] = [];
    for (const table of tables) {
      for await (const entry of readEntries(name, table, { image, label, labels: keys.labels }))
        entries.push(entry);
    }
    bySplit.set(split, entries);
  }
  const place = [...groups.values()].flat()[0];
  const whole = bySplit.size === 1 ? bySplit.get("") : undefined;
  const splits = whole ? divide(whole, place) : bySplit;
  const found = [...splits].map(([split, entries]): [string, Found] => {
    const before = splits.size > 1 ? split : "";
    const ids = entries.map(({ id }) => inSplit(id.startsWith(`${split}/`) ? "" : before, id));
    return [split, { ...foundOf(entries), ids: numbered(ids) }];
  });
  return foundDataset({ name, splits: new Map(found), place }, keys);
}

/** The examples of one table. */
export async function readTable(table: string): Promise<Found> {
  const name = /\.[ct]sv$/i.test(table) ? "csv" : "jsonl";
  const entries: Entry[] = [];
  for await (const entry of readEntries(name, table, {})) entries.push(entry);
  return foundOf(entries);
}

const foundOf = (entries: readonly Entry[]): Found => ({
  ids: numbered(entries.map(({ id }) => id)),
  labels: entries.map(({ label }) => label),
  missing: entries.find(({ label }) => label === undefined)?.missing,
  image: (index) => readBeside(entries[index].table, entries[index].path),
});

async function* readEntries(
  name: TableName,
  table: string,
  { image, label, labels: use }: TableFields,
): AsyncGenerator<Entry> {
  for await (const { line, fields } of tableRows(name, await openBytes(table))) {
    const which = `${table}, line ${line}`;
    const path = pick(which, fields, image, IMAGES, "image");
    const written = use === "none" ? undefined : fieldOf(fields, label, LABELS);
    const value = written === undefined ? undefined : fields[written];
    const labels = readLabels(value, which);
    if (typeof path !== "string" || path.trim() === "") {
      throw new OcelliError("data", `${which}: its image is no path.`);
    }
    checkName(path, which, LIMITS.path);
    const problem = "its label is no name, number or list of them";
    if (labels === undefined && !isNoLabel(value)) {
      throw new OcelliError("data", `${which}: ${problem}.`);
    }
    const { split } = fields;
    yield {
      id: path
        .trim()
        .replaceAll("\\", "/")
        .replace(/^(\.\/)+/, "")
        .normalize(),
      path,
      table,
      label: labels,
      missing:
        labels !== undefined
          ? undefined
          : written === undefined
            ? noField(which, fields, label, LABELS, "label").message
            : `${which}: ${problem}.`,
      split:
        typeof split === "string" && split.trim() !== ""
          ? checkName(split.trim(), which)
          : undefined,
    };
  }
}

/** Rows by the splits that they name, or that their paths begin with: `train/cat.png`. */
function divide(entries: readonly Entry[], place: string): Map<string, readonly Entry[]> {
  const named = entries.filter(({ split }) => split !== undefined).length;
  if (named > 0 && named < entries.length) {
    throw new OcelliError("data", `${place}: some rows have a split, others have none.`);
  }
  const folderOf = ({ id }: Entry): string => id.slice(0, Math.max(0, id.indexOf("/")));
  const isByFolder =
    named === 0 &&
    entries.every((entry) => usualSplit(folderOf(entry)) !== undefined) &&
    new Set(entries.map((entry) => usualSplit(folderOf(entry)))).size > 1;
  return Map.groupBy(entries, (entry) => entry.split ?? (isByFolder ? folderOf(entry) : ""));
}

/** Ids that come again take a number: `a.png`, `a.png#2`. */
function numbered(ids: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return ids.map((id) => {
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return count === 1 ? id : `${id}#${count}`;
  });
}

const fieldOf = (
  fields: Row["fields"],
  given: string | undefined,
  usual: readonly string[],
): string | undefined => [given ?? usual].flat().find((name) => Object.hasOwn(fields, name));

function pick(
  which: string,
  fields: Row["fields"],
  given: string | undefined,
  usual: readonly string[],
  what: string,
): unknown {
  const field = fieldOf(fields, given, usual);
  if (field !== undefined) return fields[field];
  throw noField(which, fields, given, usual, what);
}

function noField(
  which: string,
  fields: Row["fields"],
  given: string | undefined,
  usual: readonly string[],
  what: string,
): OcelliError {
  const keys = Object.keys(fields);
  const has = (given === undefined ? keys : nearestNames(given, keys)).slice(0, 8).join(", ");
  return new OcelliError(
    "data",
    `${which} has no ${given ?? usual.join(", ")}; it has ${has || "nothing"}.`,
    { hint: `Name the field by data.${what}.` },
  );
}

/** A file's text, piece by piece: UTF-8, or UTF-16 where it begins with that order mark. */
async function* textOf(file: ByteFile): AsyncGenerator<string> {
  const [first, second] = await file.read(0, Math.min(file.size, 2));
  const encoding =
    first === 0xff && second === 0xfe
      ? "utf-16le"
      : first === 0xfe && second === 0xff
        ? "utf-16be"
        : "utf-8";
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decode = (bytes?: Uint8Array) => {
    try {
      return decoder.decode(bytes, { stream: !!bytes });
    } catch {
      throw formatError(`${file.name} is no text of ${encoding.toUpperCase()}; save it as UTF-8.`);
    }
  };
  for (let at = 0; at < file.size; at += 1 << 18) {
    yield decode(await file.read(at, Math.min(file.size, at + (1 << 18))));
  }
  yield decode();
}

/** The rows of a table, one after the other. */
export const tableRows = (name: TableName, file: ByteFile): AsyncGenerator<Row> =>
  name === "csv" ? csvRows(file) : jsonRows(file);

async function* csvRows(file: ByteFile): AsyncGenerator<Row> {
  const reader = csvReader(file.name);
  let header: readonly string[] | undefined;
  const named = (rows: ReturnType<typeof reader.push>): Row[] =>
    rows.flatMap(({ line, fields }) => {
      if (!header) {
        header = fields.map((field) => field.trim());
        return [];
      }
      if (fields.length !== header.length) {
        throw formatError(
          `${file.name}, line ${line}: ${fields.length} fields instead of ${header.length}.`,
        );
      }
      return [{ line, fields: Object.fromEntries(header.map((name, i) => [name, fields[i]])) }];
    });
  for await (const text of textOf(file)) yield* named(reader.push(text));
  yield* named(reader.end());
}

async function* jsonRows(file: ByteFile): AsyncGenerator<Row> {
  let rest = "";
  let line = 0;
  const parse = (text: string): Row[] => {
    line++;
    if (text.trim() === "") return [];
    const which = `${file.name}, line ${line}`;
    const fields = parseDataFile(which, () => parseJson(text, "this line of JSON"));
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) {
      return [{ line, fields: fields as Row["fields"] }];
    }
    throw formatError(`${which} is no JSON object.`);
  };
  for await (const text of textOf(file)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (rest.length > LIMITS.jsonLine)
      throw formatError(`${file.name}, line ${line + 1} has no end.`);
    for (const each of lines) yield* parse(line === 0 ? each.replace(/^\uFEFF/, "") : each);
  }
  yield* parse(line === 0 ? rest.replace(/^\uFEFF/, "") : rest);
}

const tableData = <Name extends TableName>(name: Name) =>
  defineSource({ name, schema: tableSchema, open: (options) => openTable({ name, ...options }) });

/** Tables in a configuration. */
export const jsonlData = tableData("jsonl");
export const csvData = tableData("csv");
