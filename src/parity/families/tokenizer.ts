/** @file Cases of tokenizers: the ids of lines, with and without capitals, and the rows that are made of them. */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { decodeUtf8 } from "../../formats/bytes.ts";
import { type HostArray, fromNumbers, toNumbers } from "../../graph/index.ts";
import {
  type Tokenizer,
  type TokenizerCard,
  openTokenizer,
  parseTokenizerCard,
} from "../../text/index.ts";
import { type Arrays, type Case, fileOf, textsAt } from "../case.ts";
import type { Family } from "../family.ts";

const whole = (values: readonly number[], shape = [values.length]): HostArray =>
  fromNumbers(values, shape, "int32");

const CARD: TokenizerCard = {
  kind: "sentencepiece",
  lower: "none",
  bos: "no",
  eos: "none",
  pad: 0,
  length: 1,
};

/** Ids of texts one after the other, and where each begins. */
function computeIds({ encode }: Tokenizer, texts: readonly string[]) {
  const ids = texts.map(encode);
  const offsets = [0];
  for (const { length } of ids) offsets.push(offsets[offsets.length - 1] + length);
  return { ids: whole(ids.flat()), offsets: whole(offsets) };
}

/** Rows as an output's name says: `tokenize/len64_eos-sticky_pad1`. */
function computeRows(name: string, bytes: Uint8Array, lines: readonly string[]): HostArray {
  const [, length, eos, pad] =
    /^tokenize\/len(\d+)_eos-(none|yes|sticky)_pad(\d+)$/.exec(name) ?? [];
  if (length === undefined) {
    throw new OcelliError("unsupported", `io.npz: out/${name} is not known.`);
  }
  const rules = { length: Number(length), pad: Number(pad), eos: eos as TokenizerCard["eos"] };
  return openTokenizer({ ...CARD, lower: "ascii", ...rules }, bytes).tokenize(lines);
}

/** A vocabulary with pieces for places and segments. */
function computeTokenSets({ description, outputs }: Case, bytes: Uint8Array) {
  const texts = textsAt(description, "tokenset_texts");
  if (!texts) return {};
  const tokenizer = openTokenizer({ ...CARD, tokenSets: ["loc", "seg"] }, bytes);
  const { ids, offsets } = computeIds(tokenizer, texts);
  const named = Object.keys(outputs).flatMap((name) => {
    const [, piece] = /^tokensets\/((?:loc|seg)\d+)_id$/.exec(name) ?? [];
    return piece === undefined ? [] : [[name, whole([tokenizer.idOf(`<${piece}>`) ?? -1], [])]];
  });
  return {
    "tokensets/ids": ids,
    "tokensets/offsets": offsets,
    "tokensets/vocab_size": whole([tokenizer.vocabularySize], []),
    ...(Object.fromEntries(named) as Record<string, HostArray>),
  };
}

/** lines.json: lines, and the text of the ids that they became. */
const linesSchema = z.object({ lines: z.array(z.string()), decoded: z.array(z.string()) });

/** A vocabulary of any kind by its card: ids, rows and what ids are decoded to. */
function computeCard(given: Case): Arrays {
  const { description } = given;
  const bytes = fileOf(given, String(description.vocabulary_file));
  const file = decodeUtf8(fileOf(given, "lines.json"), "lines.json");
  const { lines, decoded } = linesSchema.parse(JSON.parse(file));
  const tokenizer = openTokenizer(parseTokenizerCard(description.card), bytes);
  const plain = openTokenizer({ ...tokenizer.card, bos: "no", eos: "none" }, bytes);
  const { ids, offsets } = computeIds(tokenizer, lines);
  const wanted = toNumbers(given.outputs.ids);
  const from = toNumbers(given.outputs.offsets);
  const same = decoded.map((text, i) => {
    const row = wanted.slice(from[i], from[i + 1]);
    return Number(plain.decode(row) === text);
  });
  return {
    ids,
    offsets,
    decoded: fromNumbers(same, [lines.length], "bool"),
    rows: tokenizer.tokenize(lines),
  };
}

export const tokenizer: Family = {
  name: "tokenizer",
  model: /big_vision\/pp\/ops_text/,
  compute(given) {
    const { description, outputs } = given;
    const allowance = () => ({ rtol: 0, atol: 0 });
    if (description.card) return Promise.resolve({ outputs: computeCard(given), allowance });
    const bytes = fileOf(given, "tokenizer.model");
    const lines = textsAt(description, "lines") ?? [];
    const plain = openTokenizer(CARD, bytes);
    const lowered = openTokenizer({ ...CARD, lower: "ascii" }, bytes);
    const { ids, offsets } = computeIds(plain, lines);
    const lower = computeIds(lowered, lines);
    const equal = lines.map((line) => plain.decode(plain.encode(line)) === line);
    const rows = Object.keys(outputs)
      .filter((name) => name.startsWith("tokenize/"))
      .map((name) => [name, computeRows(name, bytes, lines)] as const);
    return Promise.resolve({
      outputs: {
        ids,
        offsets,
        ids_lower: lower.ids,
        offsets_lower: lower.offsets,
        decode_equals: fromNumbers(equal.map(Number), [lines.length], "bool"),
        ...Object.fromEntries(rows),
        ...computeTokenSets(given, bytes),
      },
      allowance,
    });
  },
};
