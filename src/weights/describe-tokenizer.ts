/**
 * @file What the `tokenizer_config.json` beside published weights says: which file holds the vocabulary, and how a text
 * becomes a row of ids.
 */

import { z } from "zod";
import { parseJson } from "../formats/budget.ts";
import { decodeUtf8 } from "../formats/bytes.ts";
import type { TokenizerCard } from "../text/index.ts";

/** A vocabulary's file, and its card once the file is read. */
export interface DescribedTokenizer {
  readonly file: string;
  readonly card: (bytes: Uint8Array) => TokenizerCard;
}

const piece = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .nullish();

const config = z.object({
  tokenizer_class: z.string(),
  model_max_length: z.number().positive(),
  bos_token: piece,
  eos_token: piece,
  pad_token: piece,
});

/** Lengths of models whose files do not say them: the library writes a number without bound. */
const LENGTHS: Readonly<Record<string, number>> = { CLIP: 77, Siglip: 64, Gemma: 64 };

/** Ids of pieces in a `tokenizer.json`. */
const vocabulary = z.object({
  added_tokens: z.array(z.object({ id: z.int(), content: z.string() })).default([]),
});

/** Where a special piece stands among those that a `tokenizer.json` adds. */
function idIn(bytes: Uint8Array, content: string | null | undefined): number {
  const parsed = vocabulary.safeParse(
    parseJson(decodeUtf8(bytes, "tokenizer.json"), "tokenizer.json"),
  );
  return parsed.data?.added_tokens.find((one) => one.content === content)?.id ?? 0;
}

/**
 * A tokenizer of SigLIP, SigLIP 2 or CLIP by its configuration and the names of the files beside it; undefined where it is
 * of none that is known here.
 */
export function describeTokenizer(
  value: unknown,
  files: readonly string[],
): DescribedTokenizer | undefined {
  const { data } = config.safeParse(value);
  const [, family] =
    /^(CLIP|Siglip|Gemma)(?:2)?Tokenizer(?:Fast)?$/.exec(data?.tokenizer_class ?? "") ?? [];
  if (!data || family === undefined) return undefined;
  const length = data.model_max_length > 65_536 ? LENGTHS[family] : data.model_max_length;
  if (family === "Siglip" && files.includes("spiece.model")) {
    return {
      file: "spiece.model",
      card: () => ({
        ...{ kind: "sentencepiece", lower: "unicode", canonical: true },
        ...{ bos: "no", eos: "sticky", pad: 1, length },
      }),
    };
  }
  if (!files.includes("tokenizer.json")) return undefined;
  const isClip = family === "CLIP";
  return {
    file: "tokenizer.json",
    card: (bytes) => ({
      ...{ kind: "tokenizer.json", eos: "sticky" },
      // SigLIP 2 was trained on lower case, which Gemma's file does not say; CLIP's file does
      ...(isClip ? { lower: "none", bos: "yes" } : { lower: "unicode", bos: "no" }),
      ...{ pad: idIn(bytes, data.pad_token), length },
      ...(isClip && data.bos_token ? { bosPiece: data.bos_token } : {}),
      ...(data.eos_token ? { eosPiece: data.eos_token } : {}),
    }),
  };
}
