/** @file The table of labels, `file,label`: read when labelling begins, written whole after every label. */

import { readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { OcelliError } from "../errors.ts";
import { makeNamedFolder, writeAtomically } from "../files.ts";
import { csvReader } from "../formats/csv.ts";

const COLUMNS = ["file", "label"] as const;

/** Labels by picture, on the disk. */
export interface LabelsFile {
  readonly path: string;
  /** The label of each picture, by the path as {@link LabelsFile.nameOf} gives it, in the order of labelling. */
  readonly labels: ReadonlyMap<string, string>;
  /** What the table calls the picture at a path: its path from the table, with `/` between its parts. */
  nameOf(picture: string): string;
  /**
   * Labels pictures, by name, and writes the table; an undefined label takes one away. Nothing changes where it fails.
   *
   * @throws a disk error; a data error where something else has written the table since
   */
  set(changes: ReadonlyMap<string, string | undefined>): Promise<void>;
}

/**
 * Opens the labels at a path, which need not exist.
 *
 * @throws a data error for a table with other columns than `file` and `label`, which would be lost, or a row without one
 */
export async function openLabels(path: string): Promise<LabelsFile> {
  let labels = await readLabels(path);
  let written = await stampOf(path);
  return {
    path,
    get labels() {
      return labels;
    },
    nameOf(picture) {
      const way = relative(dirname(resolve(path)), resolve(picture));
      const name = isAbsolute(way) ? resolve(picture) : way; // Windows has no way from one disk to another
      return name.split(sep).join("/");
    },
    async set(changes) {
      const next = new Map(labels);
      for (const [name, label] of changes) {
        if (label === undefined) next.delete(name);
        else next.set(name, label);
      }
      if ((await stampOf(path)) !== written) {
        throw new OcelliError("data", `${path} was changed by another program.`, {
          hint: "End this and begin again: labels are read from the table.",
        });
      }
      await makeNamedFolder(dirname(path));
      await writeAtomically(path, tableOf(next));
      written = await stampOf(path);
      labels = next;
    },
  };
}

/** What tells one state of a file from another. */
async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : "";
}

const quoted = (text: string): string =>
  /[",;\t\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

const tableOf = (labels: ReadonlyMap<string, string>): string =>
  [COLUMNS, ...labels].map((row) => `${row.map(quoted).join(",")}\n`).join("");

async function readLabels(path: string): Promise<Map<string, string>> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new OcelliError("data", `${path} cannot be read: ${error.message}.`, { cause: error });
  });
  const labels = new Map<string, string>();
  if (text === undefined || text.trim() === "") return labels;
  const reader = csvReader(path);
  const [header, ...rows] = [...reader.push(text), ...reader.end()];
  const columns = header.fields.map((field) => field.trim());
  if (String(columns) !== String(COLUMNS)) {
    throw new OcelliError(
      "data",
      `${path} has the columns ${columns.join(", ")}, not ${COLUMNS.join(", ")}.`,
      { given: columns, hint: "Name another table by --out: this one would lose its columns." },
    );
  }
  for (const { line, fields } of rows) {
    const [file = "", label = ""] = fields;
    if (fields.length !== COLUMNS.length || file === "" || label === "") {
      throw new OcelliError("data", `${path}, line ${line}: a row is a file and its label.`);
    }
    labels.set(file, label);
  }
  return labels;
}

/** The path of a labelled picture by its name in a table. */
export const pathOf = (table: string, name: string): string =>
  isAbsolute(name) ? name : join(dirname(table), name);
