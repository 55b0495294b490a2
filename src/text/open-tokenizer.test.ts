import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { toNumbers } from "../graph/dtype.ts";
import type { TokenizerCard } from "./card.ts";
import { openTokenizer } from "./open-tokenizer.ts";

const golden = (path: string): Uint8Array =>
  readFileSync(new URL(`../../tests/golden/tokenizer/${path}`, import.meta.url));

const SP = golden("unigram_rules/tokenizer.model");
const CLIP = golden("clip/bpe.txt.gz");
const BERT = golden("wordpiece_uncased/vocab.txt");
const JSON_FILE = golden("wordpiece_cased_json/tokenizer.json");
const card: TokenizerCard = {
  kind: "sentencepiece",
  lower: "ascii",
  bos: "no",
  eos: "sticky",
  pad: 1,
  length: 6,
};

test("SigLIP's rules: lower-cased, EOS in the last place, padded with EOS", () => {
  const { tokenize, eosId, unkId, decode, encode } = openTokenizer(card, SP);
  const texts = ["The", "the", "the end of the world is near", ""];
  const tokens = tokenize(texts);
  const rows = texts.map((_, i) => toNumbers(tokens).slice(6 * i, 6 * i + 6));
  expect([tokens.shape, eosId, unkId]).toEqual([[4, 6], 1, 2]);
  expect(rows[0]).toEqual(rows[1]);
  expect(rows[0].at(-1)).toBe(1);
  expect(rows[2].at(-1)).toBe(1);
  expect(rows[2].slice(0, 5)).toEqual(encode(texts[2]).slice(0, 5));
  expect(rows[3]).toEqual([1, 1, 1, 1, 1, 1]);
  expect(decode(rows[0])).toBe("the");
});

test("LiT's rules: [CLS] first, no [SEP], accents taken off with capitals", () => {
  const lit: TokenizerCard = {
    ...card,
    kind: "wordpiece",
    lower: "unicode",
    bos: "yes",
    eos: "none",
    pad: 0,
  };
  const { tokenize, idOf } = openTokenizer(lit, BERT);
  const rows = toNumbers(tokenize(["Été", "ete"]));
  expect(rows.slice(0, 6)).toEqual(rows.slice(6));
  expect(rows[0]).toBe(idOf("[CLS]"));
  expect(rows).not.toContain(idOf("[SEP]"));
});

test("CLIP's rules: both ends marked, capitals and entities do not matter", () => {
  const clip: TokenizerCard = {
    ...card,
    kind: "clip",
    lower: "unicode",
    bos: "yes",
    pad: 0,
    length: 12,
  };
  const { tokenize, bosId, eosId, decode } = openTokenizer(clip, CLIP);
  const rows = toNumbers(tokenize(["A &amp; É", "a  &   é"]));
  expect(rows.slice(0, 12)).toEqual(rows.slice(12));
  expect([rows[0], rows.includes(Number(eosId))]).toEqual([bosId, true]);
  expect(decode(rows.slice(0, 12))).toBe("a & é ");
});

test("a file's template names BOS and EOS, which the card puts in or leaves out", () => {
  const json: TokenizerCard = {
    ...card,
    kind: "tokenizer.json",
    lower: "none",
    bos: "yes",
    pad: 0,
  };
  const { pad, idOf } = openTokenizer(json, JSON_FILE);
  expect([...pad([7])]).toEqual([idOf("[CLS]"), 7, idOf("[SEP]"), 0, 0, 0]);
  const other = openTokenizer({ ...json, bos: "no", eosPiece: "[MASK]" }, JSON_FILE);
  expect([...other.pad([7])]).toEqual([7, idOf("[MASK]"), 0, 0, 0, 0]);
});

test("pieces for places and segments follow the vocabulary", () => {
  const plain = openTokenizer(card, SP);
  const { encode, vocabularySize, idOf } = openTokenizer(
    { ...card, tokenSets: ["loc", "seg"] },
    SP,
  );
  expect(vocabularySize).toBe(plain.vocabularySize + 1024 + 128);
  expect(idOf("<loc0000>")).toBe(plain.vocabularySize);
  expect(encode("<loc0001><seg127>").slice(-2)).toEqual([idOf("<loc0001>"), idOf("<seg127>")]);
});

test.each([
  [{ ...card, vocabulary: 32_000 }, SP, /it has 879 pieces, the card says 32000\./],
  [{ ...card, pad: 879 }, SP, /"pad" is 879; valid: 0 to 878\./],
  [{ ...card, bos: "yes" as const }, SP, /it names no BOS; say which piece is meant by "bosPiece"/],
  [{ ...card, eosPiece: "<end>" }, SP, /it has no piece "<end>" \("eosPiece"\)\./],
  [{ ...card, kind: "tokenizer.json" as const }, SP, /but the bytes are not JSON/],
  [card, JSON_FILE, /but the bytes are JSON\. Is "tokenizer.json" meant\?/],
  [card, BERT, /SentencePiece model/],
  [{ ...card, kind: "wordpiece" as const }, SP, /WordPiece vocabulary/],
  [{ ...card, kind: "clip" as const }, BERT, /CLIP's vocabulary: line 2 is not a pair/],
  [
    { ...card, kind: "clip" as const, tokenSets: ["loc" as const] },
    CLIP,
    /"tokenSets" are for kind "sentencepiece"/,
  ],
])("a card that does not fit is refused in one line (%#)", (given, bytes, message) => {
  expect(() => openTokenizer(given, bytes)).toThrow(message);
});

test("parts of tokenizer.json that are not supported are named", () => {
  const file = JSON.parse(new TextDecoder().decode(JSON_FILE)) as Record<string, unknown>;
  const open = (part: object) => () =>
    openTokenizer(
      { ...card, kind: "tokenizer.json" },
      new TextEncoder().encode(JSON.stringify({ ...file, ...part })),
    );
  expect(open({ normalizer: { type: "Lowercse" } })).toThrow(
    'unknown normalizer of tokenizer.json "Lowercse"; valid: Lowercase,',
  );
  const split = { type: "Split", behavior: "Isolated", invert: false };
  const possessive = { ...split, pattern: { Regex: "\\s++a" } };
  expect(open({ pre_tokenizer: possessive })).toThrow("cannot be expressed in JavaScript");
});

test("ids that are not in the vocabulary are refused", () => {
  for (const [kind, bytes] of [
    ["sentencepiece", SP],
    ["wordpiece", BERT],
    ["tokenizer.json", JSON_FILE],
  ] as const) {
    const { decode, vocabularySize } = openTokenizer({ ...card, kind, eos: "none", pad: 0 }, bytes);
    expect(() => decode([vocabularySize])).toThrow(/^id \d+ is not /);
  }
});

test("half of a surrogate pair is U+FFFD", () => {
  const { encode } = openTokenizer({ ...card, kind: "clip", bos: "yes" }, CLIP);
  expect(encode("a\ud83d")).toEqual(encode("a\ufffd"));
});
