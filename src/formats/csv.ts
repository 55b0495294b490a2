/**
 * @file Comma-separated values, in pieces of text: quoted fields, blanks around quotes, doubled quotes, lines that end with
 * LF, CR LF or CR, a byte order mark.
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */

import { LIMITS } from "./budget.ts";
import { formatError } from "./bytes.ts";

/** A row and the line on which it begins, counted from 1. */
export interface CsvRow {
  readonly line: number;
  readonly fields: readonly string[];
}

/** Takes text piece by piece. */
interface CsvReader {
  /** The rows that a piece of text completes. */
  push(text: string): CsvRow[];
  /** The last row, where the text does not end with a line break. */
  end(): CsvRow[];
}

/**
 * A reader of rows; blank lines are left out. Fields are separated by what the first line has most of: commas,
 * semicolons or tabs.
 *
 * @throws a format error where a quote is never closed, or text follows a closing one
 * @example
 * const reader = csvReader();
 * [...reader.push("image,label\n"), ...reader.push('"a, b.png",cat'), ...reader.end()];
 */
export function csvReader(what = "CSV file"): CsvReader {
  let separator: string | undefined;
  let held = "";
  let line = 1;
  let begun = 1;
  let fields: string[] = [];
  let field = "";
  let state: "start" | "plain" | "quoted" | "closed" | "ended" = "start";
  let size = 0;
  let returned = false; // the last character was a CR outside quotes

  const endField = () => {
    if (fields.length === LIMITS.columns) {
      throw formatError(`${what}, line ${begun}: it has more than ${LIMITS.columns} fields.`);
    }
    fields.push(field);
    field = "";
    state = "start";
  };
  const endRow = (rows: CsvRow[]) => {
    const blank = fields.length === 0 && field === "" && state === "start";
    endField();
    if (!blank) rows.push({ line: begun, fields });
    fields = [];
    size = 0;
    begun = ++line;
  };
  const take = (text: string): CsvRow[] => {
    const rows: CsvRow[] = [];
    for (const char of text) {
      if (++size > LIMITS.row) {
        const problem = state === "quoted" ? "a quote is never closed" : "it has no end";
        throw formatError(`${what}, line ${begun}: ${problem}.`);
      }
      if (returned && char !== "\n") endRow(rows);
      returned = char === "\r" && state !== "quoted";
      if (state === "quoted") {
        if (char === '"') state = "closed";
        else field += char;
        if (char === "\n") line++;
      } else if (state === "closed" && char === '"') {
        field += char;
        state = "quoted";
      } else if (char === separator) endField();
      else if (char === "\n") endRow(rows);
      else if (char === '"' && (state === "start" || state === "plain") && isBlank(field)) {
        field = ""; // blanks before a quote
        state = "quoted";
      } else if (returned) continue;
      else if (state === "closed" || state === "ended") {
        if (!isBlank(char)) {
          throw formatError(`${what}, line ${line}: text follows a closing quote.`);
        }
        state = "ended";
      } else {
        field += char;
        state = "plain";
      }
    }
    return rows;
  };
  const begin = (): CsvRow[] => {
    const text = held.replace(/^\uFEFF/, "");
    separator = mostFrequent(text.split(/[\r\n]/, 1)[0]);
    held = "";
    return take(text);
  };
  return {
    push(text) {
      if (separator !== undefined) return take(text);
      held += text;
      if (/[\r\n]/.test(held)) return begin();
      if (held.length > LIMITS.row) throw formatError(`${what}: the first line has no end.`);
      return [];
    },
    end() {
      const rows = separator === undefined ? begin() : [];
      if (state === "quoted") throw formatError(`${what}, line ${begun}: a quote is never closed.`);
      endRow(rows);
      return rows;
    },
  };
}

const isBlank = (text: string): boolean => text.trim() === "";

function mostFrequent(header: string): string {
  const counts = new Map<string, number>();
  for (const char of header) counts.set(char, (counts.get(char) ?? 0) + 1);
  const count = (separator: string) => counts.get(separator) ?? 0;
  return [",", ";", "\t"].reduce((best, next) => (count(next) > count(best) ? next : best));
}
