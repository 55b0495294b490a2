/** @file The normalizers of `tokenizer.json`. */

import { z } from "zod";
import { toByteCharacters } from "../byte-level.ts";
import { type PartType, createPart, partType } from "./options.ts";
import type { Normalizer } from "./kinds.ts";
import { patternSchema, toRegExp } from "./patterns.ts";
import { createPrecompiled } from "./precompiled.ts";
import {
  CHINESE,
  CONTROL,
  MARK,
  NONSPACING,
  type NormalForm,
  WHITE_SPACE,
  lowerCase,
  normalForm,
} from "./unicode.ts";

const none = z.looseObject({});
const bertSchema = z.looseObject({
  clean_text: z.boolean().default(true),
  handle_chinese_chars: z.boolean().default(true),
  strip_accents: z.boolean().nullish(),
  lowercase: z.boolean().default(true),
});

/** BERT's normalization: cleaned, Chinese characters apart, without accents, lower-cased. */
export function createBertNormalizer(options: z.output<typeof bertSchema>): Normalizer {
  const decompose = normalForm("NFD");
  const stripsAccents = options.strip_accents ?? options.lowercase;
  return (text) => {
    let result = text;
    if (options.clean_text) result = result.replace(CONTROL, "").replace(WHITE_SPACE, " ");
    if (options.handle_chinese_chars) result = result.replace(CHINESE, " $& ");
    if (stripsAccents) result = decompose(result).replace(NONSPACING, "");
    return options.lowercase ? lowerCase(result) : result;
  };
}

const form = (name: NormalForm): PartType<Normalizer> => partType(none, () => normalForm(name));

const stripSchema = z.looseObject({ strip_left: z.boolean(), strip_right: z.boolean() });
const NMT_REMOVED = /[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/g;
const NMT_SPACES = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;

const NORMALIZERS: Readonly<Record<string, PartType<Normalizer>>> = {
  Sequence: partType(z.looseObject({ normalizers: z.array(z.unknown()) }), ({ normalizers }) => {
    const all = normalizers.map(createNormalizerPart);
    return (text) => all.reduce((result, normalize) => normalize(result), text);
  }),
  BertNormalizer: partType(bertSchema, createBertNormalizer),
  NFC: form("NFC"),
  NFD: form("NFD"),
  NFKC: form("NFKC"),
  NFKD: form("NFKD"),
  Lowercase: partType(none, () => lowerCase),
  Strip: partType(stripSchema, ({ strip_left, strip_right }) => (text) => {
    const left = strip_left ? text.replace(/^\p{White_Space}+/u, "") : text;
    return strip_right ? left.replace(/\p{White_Space}+$/u, "") : left;
  }),
  StripAccents: partType(none, () => (text) => text.replace(MARK, "")),
  Nmt: partType(none, () => (text) => text.replace(NMT_REMOVED, "").replace(NMT_SPACES, " ")),
  Precompiled: partType(
    z.looseObject({ precompiled_charsmap: z.string().nullable() }),
    ({ precompiled_charsmap }) => createPrecompiled(precompiled_charsmap ?? ""),
  ),
  Replace: partType(
    z.looseObject({ pattern: patternSchema, content: z.string() }),
    ({ pattern, content }) => {
      const regExp = toRegExp(pattern);
      return (text) => text.replace(regExp, () => content);
    },
  ),
  Prepend: partType(
    z.looseObject({ prepend: z.string() }),
    ({ prepend }) =>
      (text) =>
        text === "" ? "" : prepend + text,
  ),
  ByteLevel: partType(none, () => toByteCharacters),
};

/** The normalizer that an object of `tokenizer.json` describes. */
export function createNormalizerPart(value: unknown): Normalizer {
  return createPart("normalizer", NORMALIZERS, value);
}
