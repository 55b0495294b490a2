/** @file The language of `--filter` and of the page's search box: `optimizer.lr>=1e-3 state=finished shift`. */

import { valueName } from "./headline.ts";
import { OcelliError, unknownName } from "../errors.ts";
import { flatten } from "./read-config.ts";
import type { RunCard, RunView } from "./read.ts";

/** A value that can be compared and shown. */
export type Field = string | number | boolean;

type Operator = "=" | "!=" | "<" | ">" | "<=" | ">=" | "~";

/** One part of a query; without a key, a word that any name or value may contain. */
export interface Condition {
  readonly key?: string;
  readonly operator: Operator;
  readonly value: string;
}

const TERM = /^([\w./-]+?)(!=|<=|>=|=|<|>|~)(.*)$/s;

/**
 * The conditions of a query: parts between spaces, all of which must hold. Quotation marks keep spaces in a value.
 *
 * @throws an argument error where an order is asked of something that is no number
 */
export function parseQuery(text: string): Condition[] {
  const parts = text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
  return parts.map((part) => {
    const term = TERM.exec(part.replaceAll('"', ""));
    if (!term) return { operator: "~", value: part.replaceAll('"', "") };
    const [, key, operator, value] = term;
    if (/[<>]/.test(operator) && !isNumber(value)) {
      throw new OcelliError("argument", `${key}${operator} needs a number, not "${value}".`);
    }
    return { key, operator: operator as Operator, value };
  });
}

const isNumber = (text: string): boolean => text.trim() !== "" && Number.isFinite(Number(text));

/** Everything of a run that can be asked for, by name: its columns, configuration and metrics. */
export function fieldsOf(run: RunCard & Partial<RunView>): Record<string, Field> {
  const { name, state, step, headline, loss, seconds, updated, model, engine } = run;
  const columns = {
    ...{ name, state, step, loss, seconds, updated, model, engine },
    ...(headline && { [valueName(headline.metric)]: headline.value, headline: headline.value }),
  };
  const fields: Record<string, Field | undefined> = {
    ...run.values,
    ...flatten(run.config ?? {}),
    ...columns,
  };
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as Record<string, Field>;
}

/** The fields that a key means: the one of this name, or those whose path ends with it, as `lr` does `optimizer.lr`. */
export function fieldsNamed(fields: Readonly<Record<string, Field>>, key: string): Field[] {
  if (Object.hasOwn(fields, key)) return [fields[key]];
  return Object.keys(fields)
    .filter((path) => path.endsWith(`.${key}`) || path.endsWith(`/${key}`))
    .map((path) => fields[path]);
}

/** Whether a run meets all conditions. */
export function matches(run: RunView, conditions: readonly Condition[]): boolean {
  if (conditions.length === 0) return true;
  const fields = fieldsOf(run);
  return conditions.every(({ key, operator, value }) => {
    if (key === undefined) return mentions(fields, value);
    const found = fieldsNamed(fields, key);
    // What a run does not have differs from everything.
    if (operator === "!=") return found.every((field) => !compare(field, "=", value));
    return found.some((field) => compare(field, operator, value));
  });
}

function mentions(fields: Readonly<Record<string, Field>>, word: string): boolean {
  const wanted = word.toLowerCase();
  return Object.entries(fields).some(([path, value]) =>
    `${path}=${String(value)}`.toLowerCase().includes(wanted),
  );
}

function compare(field: Field, operator: Operator, text: string): boolean {
  const value = Number(text);
  switch (operator) {
    case "=":
      if (typeof field === "number" && isNumber(text)) return field === value;
      return String(field).toLowerCase() === text.toLowerCase();
    case "~":
      return String(field).toLowerCase().includes(text.toLowerCase());
    case "<":
      return typeof field === "number" && field < value;
    case ">":
      return typeof field === "number" && field > value;
    case "<=":
      return typeof field === "number" && field <= value;
    case ">=":
      return typeof field === "number" && field >= value;
    case "!=":
      return !compare(field, "=", text);
  }
}

/** An error for the first key that no run has; nothing where there are no runs to have it. */
export function checkKeys(keys: readonly string[], runs: readonly RunView[]): void {
  if (runs.length === 0) return;
  const all: Record<string, Field> = Object.assign({}, ...runs.map(fieldsOf));
  for (const key of keys) {
    if (fieldsNamed(all, key).length === 0 && !COLUMNS.has(key)) {
      throw unknownName("key", key, [...COLUMNS, ...Object.keys(all)], "argument");
    }
  }
}

/** Columns that a run may be without. */
const COLUMNS: ReadonlySet<string> = new Set(["headline", "loss", "seconds"]);
