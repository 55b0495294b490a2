/** @file The decoders of `tokenizer.json`: pieces back to text. */

import { z } from "zod";
import { fromByteCharacters } from "../byte-level.ts";
import { type PartType, createPart, partType } from "./options.ts";
import { patternSchema, toRegExp } from "./patterns.ts";

/** Pieces as parts of text. */
export type Decoder = (pieces: readonly string[]) => readonly string[];

const none = z.looseObject({});
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A function of each piece and its place. */
const each =
  (decode: (piece: string, place: number, count: number) => string): Decoder =>
  (pieces) =>
    pieces.map((piece, i) => decode(piece, i, pieces.length));

/** Pieces of bytes, `<0xE2>`, as the characters they make together; each is U+FFFD where they make none. */
const decodeBytePieces: Decoder = (pieces) => {
  const texts: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    try {
      texts.push(strict.decode(Uint8Array.from(bytes)));
    } catch {
      texts.push(...bytes.map(() => "\uFFFD"));
    }
    bytes = [];
  };
  for (const piece of pieces) {
    const [, hex] = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece) ?? [];
    if (hex !== undefined) bytes.push(parseInt(hex, 16));
    else {
      flush();
      texts.push(piece);
    }
  }
  flush();
  return texts;
};

const CLEANED: readonly (readonly [string, string])[] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" do not", " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** Pieces of words as words: what continues a word follows without a space. */
export function wordPieceDecoder({
  prefix,
  cleanup,
}: {
  prefix: string;
  cleanup: boolean;
}): Decoder {
  return each((piece, place) => {
    const isContinued = place > 0 && piece.startsWith(prefix);
    const spaced = isContinued || place === 0 ? piece : ` ${piece}`;
    const text = isContinued ? piece.slice(prefix.length) : spaced;
    return cleanup
      ? CLEANED.reduce((result, [from, to]) => result.replaceAll(from, to), text)
      : text;
  });
}

const stripSchema = z.looseObject({
  content: z.string(),
  start: z.int().min(0),
  stop: z.int().min(0),
});

/** Up to so many of a character gone from a piece's beginning and end. */
function createStrip({ content, start, stop }: z.output<typeof stripSchema>): Decoder {
  return each((piece) => {
    const characters = [...piece];
    let begin = 0;
    while (begin < start && characters[begin] === content) begin++;
    let end = characters.length;
    while (end > begin && characters.length - end < stop && characters[end - 1] === content) end--;
    return characters.slice(begin, end).join("");
  });
}

const metaspaceSchema = z.looseObject({
  replacement: z.string(),
  add_prefix_space: z.boolean().nullish(),
  prepend_scheme: z.enum(["first", "never", "always"]).default("always"),
});

const DECODERS: Readonly<Record<string, PartType<Decoder>>> = {
  Sequence: partType(z.looseObject({ decoders: z.array(z.unknown()) }), ({ decoders }) => {
    const all = decoders.map(createDecoder);
    return (pieces) => all.reduce((parts, decode) => decode(parts), pieces);
  }),
  BPEDecoder: partType(z.looseObject({ suffix: z.string().default("</w>") }), ({ suffix }) =>
    each((piece, place, count) => piece.replaceAll(suffix, place === count - 1 ? "" : " ")),
  ),
  ByteFallback: partType(none, () => decodeBytePieces),
  ByteLevel: partType(none, () => (pieces) => [fromByteCharacters(pieces)]),
  Fuse: partType(none, () => (pieces) => [pieces.join("")]),
  Metaspace: partType(metaspaceSchema, ({ replacement, add_prefix_space, prepend_scheme }) =>
    each((piece, place) => {
      const isPrepended = add_prefix_space !== false && prepend_scheme !== "never";
      return piece.replaceAll(replacement, place === 0 && isPrepended ? "" : " ");
    }),
  ),
  Replace: partType(
    z.looseObject({ pattern: patternSchema, content: z.string() }),
    ({ pattern, content }) => {
      const regExp = toRegExp(pattern);
      return each((piece) => piece.replace(regExp, () => content));
    },
  ),
  Strip: partType(stripSchema, createStrip),
  WordPiece: partType(
    z.looseObject({ prefix: z.string().default("##"), cleanup: z.boolean().default(true) }),
    wordPieceDecoder,
  ),
};

/** The decoder that an object of `tokenizer.json` describes. */
export function createDecoder(value: unknown): Decoder {
  return createPart("decoder", DECODERS, value);
}
