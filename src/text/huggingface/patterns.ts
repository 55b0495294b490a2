/** @file The patterns of `tokenizer.json`, written for Oniguruma, as regular expressions of JavaScript. */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { WORD_MEMBERS } from "./unicode.ts";

/** A text or a pattern, as `tokenizer.json` has it. */
export const patternSchema = z.union([
  z.strictObject({ String: z.string() }),
  z.strictObject({ Regex: z.string() }),
]);

/** The superscripts and fractions of Latin-1, which Oniguruma counts as parts of words. */
const WORD = `${WORD_MEMBERS}\\u00b2\\u00b3\\u00b9\\u00bc-\\u00be`;

/** What an escape stands for: within brackets, and alone. */
const ESCAPES: Readonly<Record<string, readonly [string | undefined, string]>> = {
  s: ["\\p{White_Space}", "\\p{White_Space}"],
  S: ["\\P{White_Space}", "\\P{White_Space}"],
  d: ["\\p{Nd}", "\\p{Nd}"],
  D: ["\\P{Nd}", "\\P{Nd}"],
  w: [WORD, `[${WORD}]`],
  W: [undefined, `[^${WORD}]`],
  h: ["0-9A-Fa-f", "[0-9A-Fa-f]"],
  A: [undefined, "(?<![\\s\\S])"],
  z: [undefined, "(?![\\s\\S])"],
};

/** The regular expression of a pattern; one that JavaScript cannot express is unsupported. */
export function toRegExp(pattern: z.infer<typeof patternSchema>): RegExp {
  if ("String" in pattern) return new RegExp(escapeText(pattern.String), "gu");
  const fail = (cause?: unknown): OcelliError =>
    new OcelliError(
      "unsupported",
      `tokenizer.json: the pattern ${JSON.stringify(pattern.Regex)} cannot be expressed in JavaScript.`,
      { given: pattern.Regex, cause },
    );
  const source = translate(pattern.Regex);
  if (source === undefined) throw fail();
  try {
    return new RegExp(source, "gmu");
  } catch (cause) {
    throw fail(cause);
  }
}

/** A text as a pattern that matches it. */
export const escapeText = (text: string): string =>
  text
    .replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r");

/** The pieces of a pattern: an escape, a quantifier, or a character. */
const PIECE = /\\[pP]\{[^}]*\}|\\[^]|\{\d*,?\d*\}|[*+?]|[^]/gu;

/** A pattern in JavaScript's syntax; undefined where that has no means for it. */
function translate(pattern: string): string | undefined {
  let source = "";
  let isInBrackets = false;
  let isAfterQuantifier = false;
  for (const [piece] of pattern.matchAll(PIECE)) {
    const isQuantifier = !isInBrackets && /^(?:[*+?]|\{.*\})$/u.test(piece);
    if (isQuantifier && isAfterQuantifier && piece !== "?") return undefined; // possessive
    isAfterQuantifier = isQuantifier && !source.endsWith("("); // of `(?:` no quantifier
    const escape = /^\\([^])$/u.exec(piece)?.[1];
    if (escape !== undefined && Object.hasOwn(ESCAPES, escape)) {
      const meaning = ESCAPES[escape][isInBrackets ? 0 : 1];
      if (meaning === undefined) return undefined;
      source += meaning;
    } else if (escape !== undefined && !/[A-Za-z0-9^$.*+?()[\]{}|/\\-]/.test(escape)) {
      source += escape;
    } else if (isInBrackets) {
      if (piece === "[" || (piece === "&" && source.endsWith("&"))) return undefined;
      if (piece === "]") isInBrackets = false;
      source += piece;
    } else if (piece === "[") {
      isInBrackets = true;
      source += piece;
    } else source += piece === "." ? "[^\\n]" : piece;
  }
  return source;
}
