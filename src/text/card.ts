/** @file A tokenizer's card: how a model wants its text, as plain JSON beside the vocabulary's file. */

import { z } from "zod";
import { OcelliError, nearestNames, unknownName } from "../errors.ts";

/** The kinds of vocabulary files. */
export const TOKENIZER_KINDS = ["sentencepiece", "clip", "wordpiece", "tokenizer.json"] as const;

/** Location and segmentation pieces by the name of their set, as big_vision names them. */
export const TOKEN_SETS = {
  loc: { count: 1024, digits: 4 },
  seg: { count: 128, digits: 3 },
} as const;

/** Lower-casing, BOS, EOS, padding and length have no default values: a model that was trained with others reads other text. */
export const tokenizerCardSchema = z.strictObject({
  /** What the vocabulary's file is. */
  kind: z.enum(TOKENIZER_KINDS),
  /** `ascii` lowers A to Z only, as TensorFlow's `strings.lower` does on bytes; `unicode` lowers all letters. */
  lower: z.enum(["none", "ascii", "unicode"]),
  /** Whether BOS comes first. */
  bos: z.enum(["no", "yes"]),
  /** `yes` appends EOS, which cutting may remove; `sticky` keeps it in the last place when the text is cut. */
  eos: z.enum(["none", "yes", "sticky"]),
  /** The id that fills a row after its text. */
  pad: z.int().min(0),
  /**
   * Removes ASCII punctuation and makes every run of blanks one space, as transformers' SigLIP tokenizer does.
   * Default: false.
   */
  canonical: z.boolean().optional(),
  /** Ids in a row, BOS and EOS among them. */
  length: z.int().min(1),
  /** The vocabulary's size, pieces that the card adds included. Default: as the file has it. */
  vocabulary: z.int().min(1).optional(),
  /** The piece that begins a text. Default: the file's. */
  bosPiece: z.string().min(1).optional(),
  /** The piece that ends a text. Default: the file's. */
  eosPiece: z.string().min(1).optional(),
  /** SentencePiece only: sets of pieces added at the end, `<loc0000>` to `<loc1023>`, `<seg000>` to `<seg127>`. Default: none. */
  tokenSets: z
    .array(
      z.enum(Object.keys(TOKEN_SETS) as [keyof typeof TOKEN_SETS, ...(keyof typeof TOKEN_SETS)[]]),
    )
    .optional(),
});

/** How a model wants its text. */
export type TokenizerCard = z.infer<typeof tokenizerCardSchema>;

/** A card from JSON; an error names the option, what was given and what is valid. */
export function parseTokenizerCard(value: unknown): TokenizerCard {
  const { data, error } = tokenizerCardSchema.safeParse(value);
  if (data) return data;
  const [issue] = error.issues;
  const key = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    throw unknownName(
      "option of a tokenizer's card",
      issue.keys[0],
      Object.keys(tokenizerCardSchema.shape),
      "config",
    );
  }
  const given = issue.path.reduce<unknown>(
    (at, part) => (at as Readonly<Record<PropertyKey, unknown>> | null)?.[part],
    value,
  );
  const valid = issue.code === "invalid_value" ? issue.values.map(String) : undefined;
  const choices = valid && `; valid: ${nearestNames(String(given), valid).join(", ")}`;
  const what = given === undefined ? "is missing" : `cannot be ${JSON.stringify(given)}`;
  throw new OcelliError(
    "config",
    key === ""
      ? "a tokenizer's card must be an object."
      : `a tokenizer's card: "${key}" ${what}${choices ?? ` (${issue.message})`}.`,
    { given, valid },
  );
}

const big_vision = {
  kind: "sentencepiece",
  lower: "ascii",
  bos: "no",
  eos: "sticky",
  length: 64,
} as const;

/** Cards of published models. */
export const TOKENIZER_CARDS = {
  /** SigLIP: `c4_en`, padded with EOS, so that the last position is always EOS. */
  siglip: { ...big_vision, pad: 1, vocabulary: 32_000 },
  /** SigLIP in many languages: `mc4`. */
  "siglip-i18n": { ...big_vision, pad: 1, vocabulary: 250_000 },
  /** SigLIP 2: Gemma's vocabulary, padded with 0. */
  siglip2: { ...big_vision, pad: 0, vocabulary: 256_000 },
  /** SigLIP 2 by Gemma's `tokenizer.json`. */
  "siglip2-json": {
    ...big_vision,
    kind: "tokenizer.json",
    pad: 0,
    vocabulary: 256_000,
    eosPiece: "<eos>",
  },
  /** CapPa: `c4_en`, padded with 0, which its loss leaves out. */
  cappa: { ...big_vision, pad: 0, vocabulary: 32_000 },
  /** LiT: BERT's WordPiece, `[CLS]` first and no `[SEP]`. */
  lit: { kind: "wordpiece", lower: "unicode", bos: "yes", eos: "none", pad: 0, length: 16 },
  /** CLIP. */
  clip: {
    kind: "clip",
    lower: "unicode",
    bos: "yes",
    eos: "sticky",
    pad: 0,
    length: 77,
    vocabulary: 49_408,
  },
} as const satisfies Readonly<Record<string, TokenizerCard>>;
