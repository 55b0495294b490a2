/**
 * @file The grammar of the preprocessing language.
 *
 *     text  = [ call { "|" call } ]
 *     call  = name [ "(" [ argument { "," argument } [ "," ] ] ")" ]
 *     argument = [ name "=" ] value
 *     value = number | "text" | 'text' | name | true | false | null | "(" values ")" | "[" values "]"
 *
 * A bare name is a text; `True`, `False` and `None` are read as well.
 */

import { preprocessingError } from "./error.ts";

/** A value in the language. */
export type Value = number | boolean | string | null | readonly Value[];

/** An argument; without a name it is known by its place. */
export interface Argument {
  readonly name?: string;
  readonly value: Value;
}

/** A call of an operation. */
export interface Call {
  readonly name: string;
  readonly args: readonly Argument[];
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const TEXT = /"([^"]*)"|'([^']*)'/y;
const SPACE = /\s*/y;

/** Words with a meaning of their own. */
const WORDS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["null", null],
  ["None", null],
]);

/** How deep lists may nest; the operations need one level. */
const MAX_DEPTH = 4;
/** Characters of a text, and operations in it. */
const MAX_TEXT = 1 << 16;
const MAX_CALLS = 256;

/** Parses a text to its calls; an error says where it stops being one. */
export function parseCalls(text: string): Call[] {
  let at = 0;
  if (text.length > MAX_TEXT) {
    throw preprocessingError(`a text of ${text.length} characters is longer than ${MAX_TEXT}.`);
  }

  function match(pattern: RegExp): RegExpExecArray | null {
    SPACE.lastIndex = at;
    SPACE.exec(text);
    pattern.lastIndex = SPACE.lastIndex;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  }
  const skip = (symbol: string): boolean => match(symbolPattern(symbol)) !== null;
  const atEnd = (): boolean => text.slice(at).trim() === "";
  const expected = (what: string) => {
    const rest = text.slice(at).trim();
    const found = rest === "" ? "the end" : `"${rest.slice(0, 20)}"`;
    return preprocessingError(
      `"${text.slice(0, 200)}": expected ${what} at character ${at + 1}, not ${found}.`,
    );
  };

  function list(close: string, depth: number): { values: Value[]; commas: number } {
    const values: Value[] = [];
    let commas = 0;
    while (!skip(close)) {
      if (values.length > commas) throw expected(`"," or "${close}"`);
      values.push(value(depth));
      if (skip(",")) commas++;
    }
    return { values, commas };
  }

  function value(depth: number): Value {
    const number = match(NUMBER);
    if (number) {
      const parsed = Number(number[0]);
      if (Number.isFinite(parsed)) return parsed;
      throw preprocessingError(`"${text}": ${number[0]} is too large.`);
    }
    const quoted = match(TEXT);
    if (quoted) return quoted[1] ?? quoted[2];
    const name = match(NAME);
    if (name) return WORDS.has(name[0]) ? WORDS.get(name[0])! : name[0];
    if (depth < MAX_DEPTH && skip("[")) return list("]", depth + 1).values;
    if (depth < MAX_DEPTH && skip("(")) {
      const { values, commas } = list(")", depth + 1);
      return values.length === 1 && commas === 0 ? values[0] : values;
    }
    throw expected("a value");
  }

  function argument(): Argument {
    const before = at;
    const name = match(NAME);
    if (name && skip("=")) return { name: name[0], value: value(0) };
    at = before;
    return { value: value(0) };
  }

  function call(): Call {
    const name = match(NAME);
    if (!name) throw expected("an operation such as resize(28)");
    const args: Argument[] = [];
    if (skip("(")) {
      while (!skip(")")) {
        args.push(argument());
        if (skip(",")) continue;
        if (skip(")")) break;
        throw expected('"," or ")"');
      }
    }
    return { name: name[0], args };
  }

  if (atEnd()) return [];
  const calls = [call()];
  while (!atEnd()) {
    if (!skip("|")) throw expected('"|" and another operation');
    if (calls.length === MAX_CALLS) {
      throw preprocessingError(`"${text.slice(0, 40)}…": more than ${MAX_CALLS} operations.`);
    }
    calls.push(call());
  }
  return calls;
}

const PATTERNS = new Map(
  "()[],=|".split("").map((symbol) => [symbol, new RegExp(`\\${symbol}`, "y")]),
);
const symbolPattern = (symbol: string): RegExp => PATTERNS.get(symbol)!;

/** A value as the language writes it. */
export function printValue(value: Value): string {
  if (Array.isArray(value)) {
    const values = (value as readonly Value[]).map(printValue);
    return values.length === 1 ? `[${values[0]}]` : `(${values.join(",")})`;
  }
  if (typeof value === "string") return value.includes('"') ? `'${value}'` : `"${value}"`;
  return String(value);
}

/** A call as the language writes it. */
export function printCall({ name, args }: Call): string {
  if (args.length === 0) return name;
  const shown = args.map((it) => (it.name ? `${it.name}=` : "") + printValue(it.value));
  return `${name}(${shown.join(",")})`;
}
