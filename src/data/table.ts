/** @file Tables of image paths and labels: JSON lines and CSV. */

import { dirname, isAbsolute, join } from "node:path";
import { OcelliError, nearestNames } from "../errors.ts";
import { LIMITS, checkName, parseJson } from "../formats/budget.ts";
import { formatError, guard } from "../formats/bytes.ts";
import { csvReader } from "../formats/csv.ts";
import { type ByteFile, openBytes } from "./byte-file.ts";
import { inSplit } from "./file-ids.ts";
import { parseDataFile, readImageFile } from "./files.ts";
import { type Found, foundDataset } from "./found.ts";
import { isUrl } from "./http.ts";
import { type Labels, readLabels } from "./labels.ts";
import { type Files, expandFiles } from "./shards.ts";
import type { Dataset } from "./source.ts";

/** How to open tables. */
export interface TableOptions {
  readonly name: "jsonl" | "csv";
  readonly files: Files;
  /** The field of the image's path; `image`, `file_name`, `filename`, `path` or `file` unless given. */
  readonly image?: string;
  /** The field of the label; `label`, `labels`, `class` or `category` unless given. */
  readonly label?: string;
  readonly classes?: readonly string[];
  readonly splits?: Readonly<Record<string, number>>;
}

/** A line of a table. */
interface Row {
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

const IMAGES = ["image", "file_name", "filename", "path", "file"];
const LABELS = ["label", "labels", "class", "category"];

/**
 * Images named by tables, each with a label: a name, a number, or in JSON lines a list of them where several classes
 * apply. Paths are relative to the table; addresses are fetched. A field `split` that every row has says the splits.
 * Ids are the paths as written. Holds paths and labels.
 */
export async function openTable({
  name,
  files,
  image: imageField,
  label: labelField,
  classes,
  splits: shares,
}: TableOptions): Promise<Dataset> {
  const splits = new Map<string, { ids: string[]; labels: Labels[]; paths: string[] }>();
  const extension = name === "csv" ? /\.[ct]sv$/i : /\.(jsonl|ndjson)$/i;
  const groups = await expandFiles(files, extension);
  const rowSplits = groups.size === 1 && groups.has("");
  for (const [fileSplit, tables] of groups) {
    for (const table of tables) {
      for await (const { line, fields } of tableRows(name, await openBytes(table))) {
        const which = `${table}, line ${line}`;
        const path = pick(which, fields, imageField, IMAGES, "image");
        const label = readLabels(pick(which, fields, labelField, LABELS, "label"), which);
        if (typeof path !== "string" || path === "" || label === undefined) {
          const wrong = label === undefined ? "label" : "image";
          throw new OcelliError(
            "data",
            `${which}: its ${wrong} is ${wrong === "label" ? "no name, number or list of them" : "no path"}.`,
          );
        }
        checkName(path, which, LIMITS.path);
        const { split: own } = fields;
        const split = rowSplits && typeof own === "string" ? checkName(own, which) : fileSplit;
        if (!splits.has(split)) splits.set(split, { ids: [], labels: [], paths: [] });
        const at = splits.get(split)!;
        at.ids.push(
          path
            .replaceAll("\\", "/")
            .replace(/^(\.\/)+/, "")
            .normalize(),
        );
        at.labels.push(label);
        at.paths.push(beside(table, path));
      }
    }
  }
  const place = [...groups.values()].flat()[0];
  if (splits.size > 1 && splits.has("")) {
    throw new OcelliError("data", `${place}: some rows have a split, others have none.`);
  }
  const found = [...splits].map(([split, { ids, labels, paths }]): [string, Found] => [
    split,
    {
      ids: numbered(ids.map((id) => inSplit(splits.size > 1 ? split : "", id))),
      labels,
      image: (index) => readImage(paths[index]),
    },
  ]);
  return foundDataset({ name, splits: new Map(found), classes, shares, place });
}

/** A path of a table, from where the table is. */
function beside(table: string, path: string): string {
  if (isUrl(path)) return path;
  if (isUrl(table)) return new URL(path, table).href;
  return isAbsolute(path) ? path : join(dirname(table), path);
}

async function readImage(path: string): Promise<Uint8Array> {
  if (!isUrl(path)) return readImageFile(path);
  const file = await openBytes(path);
  if (file.size > LIMITS.imageBytes) {
    throw new OcelliError("data", `${path} of ${file.size} bytes is too large for an image.`);
  }
  return file.read(0, file.size);
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

function pick(
  which: string,
  fields: Row["fields"],
  given: string | undefined,
  usual: readonly string[],
  what: string,
): unknown {
  const field = given ?? usual.find((name) => Object.hasOwn(fields, name));
  if (field !== undefined && Object.hasOwn(fields, field)) return fields[field];
  const keys = Object.keys(fields);
  const has = (given === undefined ? keys : nearestNames(given, keys)).slice(0, 8).join(", ");
  throw new OcelliError(
    "data",
    `${which} has no ${given ?? usual.join(", ")}; it has ${has || "nothing"}.`,
    {
      hint: `Name the field by data.${what}.`,
    },
  );
}

/** A file's text, piece by piece. */
async function* textOf(file: ByteFile): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes?: Uint8Array) =>
    guard(file.name, () => decoder.decode(bytes, { stream: !!bytes }));
  for (let at = 0; at < file.size; at += 1 << 18) {
    yield decode(await file.read(at, Math.min(file.size, at + (1 << 18))));
  }
  yield decode();
}

/** The rows of a table, one after the other. */
export const tableRows = (name: TableOptions["name"], file: ByteFile): AsyncGenerator<Row> =>
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
