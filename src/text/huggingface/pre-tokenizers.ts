/** @file The pre-tokenizers of `tokenizer.json`: text cut into words before a model cuts these into pieces. */

import { z } from "zod";
import { formatError } from "../../formats/bytes.ts";
import { toByteCharacters } from "../byte-level.ts";
import { type PartType, createPart, partType } from "./options.ts";
import { escapeText, patternSchema, toRegExp } from "./patterns.ts";
import { behaviorSchema, splitText } from "./splits.ts";
import { PUNCTUATION, WHITE_SPACE, WORD_MEMBERS } from "./unicode.ts";

/** The words of a text; `isFirst` where the text begins what is encoded. */
export type PreTokenizer = (text: string, isFirst: boolean) => readonly string[];

const none = z.looseObject({});

/** BERT's words: between spaces, and each punctuation mark. */
export const bertPreTokenizer: PreTokenizer = (text) =>
  splitText(text, WHITE_SPACE, "Removed").flatMap((part) =>
    splitText(part, PUNCTUATION, "Isolated"),
  );

const GPT2_WORDS =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const WORDS = new RegExp(
  `[${WORD_MEMBERS}\\p{Join_Control}]+|[^${WORD_MEMBERS}\\p{Join_Control}\\p{White_Space}]+`,
  "gu",
);

const byteLevelSchema = z.looseObject({
  add_prefix_space: z.boolean(),
  use_regex: z.boolean().default(true),
});
const metaspaceSchema = z.looseObject({
  replacement: z.string(),
  add_prefix_space: z.boolean().nullish(),
  prepend_scheme: z.enum(["first", "never", "always"]).default("always"),
  split: z.boolean().nullish(),
});
const splitSchema = z.looseObject({
  pattern: patternSchema,
  behavior: behaviorSchema,
  invert: z.boolean(),
});

/** Spaces become marks, one is put before the text, and a mark begins a word. */
function createMetaspace(options: z.output<typeof metaspaceSchema>): PreTokenizer {
  const { replacement: mark, add_prefix_space, split } = options;
  const scheme = add_prefix_space === false ? "never" : options.prepend_scheme;
  const marks = new RegExp(escapeText(mark), "gu");
  if ([...mark].length !== 1) {
    throw formatError(`tokenizer.json: the replacement "${mark}" is not one character.`);
  }
  return (text, isFirst) => {
    const marked = text.replaceAll(" ", mark);
    const isPrepended = scheme === "always" || (scheme === "first" && isFirst);
    const whole = isPrepended && !marked.startsWith(mark) ? mark + marked : marked;
    return split === false ? [whole] : splitText(whole, marks, "MergedWithNext");
  };
}

const PRE_TOKENIZERS: Readonly<Record<string, PartType<PreTokenizer>>> = {
  Sequence: partType(z.looseObject({ pretokenizers: z.array(z.unknown()) }), (options) => {
    const all = options.pretokenizers.map(createPreTokenizer);
    return (text, isFirst) =>
      all.reduce<readonly string[]>(
        (parts, cut) => parts.flatMap((part, i) => cut(part, isFirst && i === 0)),
        [text],
      );
  }),
  BertPreTokenizer: partType(none, () => bertPreTokenizer),
  ByteLevel: partType(byteLevelSchema, ({ add_prefix_space, use_regex }) => (text) => {
    const whole = add_prefix_space && !text.startsWith(" ") ? ` ${text}` : text;
    const words = use_regex ? splitText(whole, GPT2_WORDS, "Isolated") : [whole];
    return words.map(toByteCharacters);
  }),
  CharDelimiterSplit: partType(z.looseObject({ delimiter: z.string() }), ({ delimiter }) => {
    const pattern = new RegExp(escapeText(delimiter), "gu");
    return (text) => splitText(text, pattern, "Removed");
  }),
  Digits: partType(
    z.looseObject({ individual_digits: z.boolean() }),
    ({ individual_digits }) =>
      (text) =>
        splitText(text, /\p{N}/gu, individual_digits ? "Isolated" : "Contiguous"),
  ),
  Metaspace: partType(metaspaceSchema, createMetaspace),
  Punctuation: partType(
    z.looseObject({ behavior: behaviorSchema.default("Isolated") }),
    ({ behavior }) =>
      (text) =>
        splitText(text, PUNCTUATION, behavior),
  ),
  Split: partType(splitSchema, ({ pattern, behavior, invert }) => {
    const regExp = toRegExp(pattern);
    return (text) => splitText(text, regExp, behavior, invert);
  }),
  Whitespace: partType(none, () => (text) => splitText(text, WORDS, "Removed", true)),
  WhitespaceSplit: partType(none, () => (text) => splitText(text, WHITE_SPACE, "Removed")),
};

/** The pre-tokenizer that an object of `tokenizer.json` describes. */
export function createPreTokenizer(value: unknown): PreTokenizer {
  return createPart("pre-tokenizer", PRE_TOKENIZERS, value);
}
