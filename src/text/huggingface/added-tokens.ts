/** @file Added tokens of `tokenizer.json`: found in text as they are, before anything else. */

import { z } from "zod";
import type { Normalizer } from "./kinds.ts";
import { escapeText } from "./patterns.ts";
import { WORD_MEMBERS } from "./unicode.ts";

/** An added token, as `tokenizer.json` has it. */
export const addedTokenSchema = z.looseObject({
  id: z.int().min(0),
  content: z.string(),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(true),
  special: z.boolean().default(false),
});

/** An added token. */
export type AddedToken = z.output<typeof addedTokenSchema>;

/** A part of a text: an added token's id, or text, which may begin the whole. */
export type TextPart = number | { readonly text: string; readonly isFirst: boolean };

/** The parts of a text: tokens that are found in it as it is, and in the rest, normalized, those that are found there. */
export function createAddedTokens(
  tokens: readonly AddedToken[],
  normalize: Normalizer,
): (text: string) => readonly TextPart[] {
  const present = tokens.filter(({ content }) => content !== "");
  const split = createFinder(present.filter(({ normalized }) => !normalized));
  const splitNormalized = createFinder(
    present
      .filter(({ normalized }) => normalized)
      .map((token) => ({ ...token, content: normalize(token.content) })),
  );
  return (text) =>
    split({ text, isFirst: true }).flatMap((part): readonly TextPart[] =>
      typeof part === "number" ? [part] : splitNormalized({ ...part, text: normalize(part.text) }),
    );
}

type Text = Exclude<TextPart, number>;

const WORD_BEFORE = new RegExp(`[${WORD_MEMBERS}\\p{Join_Control}]$`, "u");
const WORD_AFTER = new RegExp(`^[${WORD_MEMBERS}\\p{Join_Control}]`, "u");
const SPACES_BEFORE = /\p{White_Space}+$/u;
const SPACES_AFTER = /^\p{White_Space}+/u;

const isPartOfWord = (before: string, after: string): boolean =>
  WORD_BEFORE.test(before) || WORD_AFTER.test(after);

function createFinder(tokens: readonly AddedToken[]): (part: Text) => readonly TextPart[] {
  const byContent = new Map(tokens.map((token) => [token.content, token]));
  byContent.delete("");
  const contents = [...byContent.keys()].sort((a, b) => b.length - a.length);
  if (contents.length === 0) return (part) => (part.text === "" ? [] : [part]);
  const pattern = new RegExp(contents.map(escapeText).join("|"), "gu");
  return ({ text, isFirst }) => {
    const parts: TextPart[] = [];
    let at = 0;
    const putText = (end: number): void => {
      if (at < end) parts.push({ text: text.slice(at, end), isFirst: isFirst && at === 0 });
    };
    for (const { index, 0: content } of text.matchAll(pattern)) {
      const token = byContent.get(content);
      if (!token) continue;
      let [begin, end] = [index, index + content.length];
      if (token.single_word && isPartOfWord(text.slice(0, begin), text.slice(end))) continue;
      if (token.lstrip)
        begin = Math.max(at, text.slice(0, begin).replace(SPACES_BEFORE, "").length);
      if (token.rstrip) end = text.length - text.slice(end).replace(SPACES_AFTER, "").length;
      putText(begin);
      parts.push(token.id);
      at = end;
    }
    putText(text.length);
    return parts;
  };
}
