/**
 * @file Hugging Face's `tokenizer.json`: the ids are those of the PyPI package `tokenizers` without special tokens; its
 * truncation, padding and template are left to the tokenizer's card.
 * @see https://huggingface.co/docs/tokenizers/components
 */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { decodeUtf8, formatError, guard } from "../../formats/bytes.ts";
import type { SpecialIds, TextCodec } from "../tokenizer.ts";
import { remember } from "../word-cache.ts";
import { addedTokenSchema, createAddedTokens } from "./added-tokens.ts";
import { createDecoder } from "./decoders.ts";
import { createModel } from "./models.ts";
import { createNormalizerPart } from "./normalizers.ts";
import { readAs } from "./options.ts";
import { createPreTokenizer } from "./pre-tokenizers.ts";

const part = z.looseObject({}).nullish();
const fileSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).default([]),
  normalizer: part,
  pre_tokenizer: part,
  post_processor: part,
  decoder: part,
  model: z.looseObject({}),
});

/** Text to ids and back by a `tokenizer.json`; what it has that is not supported is named. */
export function readTokenizerJson(bytes: Uint8Array): TextCodec {
  return guard("tokenizer.json", () => createCodec(bytes));
}

function createCodec(bytes: Uint8Array): TextCodec {
  const file = readAs(fileSchema, parseJson(bytes), "the file");
  const model = createModel(file.model);
  const normalize = file.normalizer
    ? createNormalizerPart(file.normalizer)
    : (text: string) => text;
  const preTokenize = file.pre_tokenizer
    ? createPreTokenizer(file.pre_tokenizer)
    : (text: string) => [text];
  const decode = file.decoder
    ? createDecoder(file.decoder)
    : (pieces: readonly string[]) => [pieces.join(" ")];
  const added = file.added_tokens.map((token) => ({
    ...token,
    id: model.vocab.get(token.content) ?? token.id,
  }));
  const split = createAddedTokens(added, normalize);
  const pieces = new Map(Array.from(model.vocab, ([piece, id]) => [id, piece]));
  for (const { id, content } of added) pieces.set(id, content);
  const special = new Set(added.filter((token) => token.special).map(({ id }) => id));
  const ids = new Map(added.map(({ id, content }) => [content, id]));
  const encodeWord = file.pre_tokenizer ? remember(model.encode) : model.encode;
  let vocabularySize = 0;
  for (const id of pieces.keys()) vocabularySize = Math.max(vocabularySize, id + 1);
  return {
    vocabularySize,
    encode(text) {
      const result: number[] = [];
      for (const found of split(text)) {
        if (typeof found === "number") result.push(found);
        else {
          for (const word of preTokenize(found.text, found.isFirst)) {
            for (const id of encodeWord(word)) result.push(id);
          }
        }
      }
      return result;
    },
    decode(given) {
      const found = Array.from(given, (id) => {
        const piece = pieces.get(id);
        if (piece !== undefined) return special.has(id) ? undefined : piece;
        throw new OcelliError(
          "argument",
          `id ${id} is not in the vocabulary of ${vocabularySize}.`,
        );
      });
      const kept = found.filter((piece) => piece !== undefined);
      return kept.length === 0 ? "" : decode(kept).join("");
    },
    idOf: (piece) => ids.get(piece) ?? model.vocab.get(piece),
    pieceOf: (id) => pieces.get(id),
    special: { ...readTemplate(file.post_processor), unk: model.unk },
  };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes, "tokenizer.json"));
  } catch (cause) {
    if (cause instanceof OcelliError) throw cause;
    throw formatError(`tokenizer.json is not JSON: ${(cause as Error).message}.`, cause);
  }
}

const pairSchema = z.tuple([z.string(), z.int().min(0)]);
const templateSchema = z.looseObject({
  single: z.array(z.record(z.string(), z.looseObject({ id: z.string() }))),
  special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(z.int().min(0)) })),
});

/** What the file's template puts before and after a text, where that is one token. */
function readTemplate(value: Readonly<Record<string, unknown>> | null | undefined): SpecialIds {
  if (!value) return {};
  if (value.type === "Sequence") {
    const { processors } = readAs(z.looseObject({ processors: z.array(part) }), value, "template");
    return Object.assign({}, ...processors.map(readTemplate)) as SpecialIds;
  }
  if (value.type === "BertProcessing" || value.type === "RobertaProcessing") {
    const { cls, sep } = readAs(
      z.looseObject({ cls: pairSchema, sep: pairSchema }),
      value,
      "template",
    );
    return { bos: cls[1], eos: sep[1] };
  }
  if (value.type !== "TemplateProcessing") return {};
  const { single, special_tokens } = readAs(templateSchema, value, "template");
  const at = single.findIndex((item) => "Sequence" in item);
  const one = (items: typeof single): number | undefined => {
    const ids = items.flatMap(({ SpecialToken }) => special_tokens[SpecialToken.id]?.ids ?? []);
    return ids.length === 1 ? ids[0] : undefined;
  };
  if (at === -1) return {};
  return { bos: one(single.slice(0, at)), eos: one(single.slice(at + 1)) };
}
