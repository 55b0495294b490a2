/** @file Cases of tokenizers: the ids of lines, with and without capitals, and the rows that are made of them. */

import { OcelliError } from "../../errors.ts";
import { type HostArray, fromNumbers } from "../../graph/index.ts";
import { type Tokenizer, type TokenizerCard, openTokenizer } from "../../text/index.ts";
import { type Case, fileOf, textsAt } from "../case.ts";
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

export const tokenizer: Family = {
  name: "tokenizer",
  model: /big_vision\/pp\/ops_text/,
  compute(given) {
    const { description, outputs } = given;
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
      allowance: () => ({ rtol: 0, atol: 0 }),
    });
  },
};
