/**
 * @file Bytes as visible characters, one each, so that text becomes characters that a vocabulary surely has.
 * @see Radford et al. 2019, section 2.2; the characters are those of GPT-2's vocabulary
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const isVisible = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

/** The characters of the bytes 0 to 255: visible ones of Latin-1 are themselves, others follow from U+0100 on. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isVisible(byte) ? byte : next++),
  );
})();

const BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

/** The characters of a text's UTF-8 bytes. */
export function toByteCharacters(text: string): string {
  if (/^[!-~]*$/.test(text)) return text;
  let characters = "";
  for (const byte of encoder.encode(text)) characters += BYTE_CHARACTERS[byte];
  return characters;
}

/** The bytes of characters; undefined where one stands for no byte. */
function toBytes(characters: string): readonly number[] | undefined {
  const bytes: number[] = [];
  for (const character of characters) {
    const byte = BYTES.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return bytes;
}

/** The text of pieces of such characters; a piece with others stands for itself, and what is not UTF-8 becomes U+FFFD. */
export function fromByteCharacters(pieces: readonly string[]): string {
  const bytes = pieces.flatMap((piece) => toBytes(piece) ?? [...encoder.encode(piece)]);
  return decoder.decode(Uint8Array.from(bytes));
}
