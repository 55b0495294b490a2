/**
 * @file HTML's character references as text, as Python's `html.unescape` and ftfy read them.
 * @see https://html.spec.whatwg.org/multipage/parsing.html#numeric-character-reference-end-state
 */

import { ENTITIES } from "./entities.ts";

/** Texts by name; names that count without a semicolon are there without and with it, the others with it. */
let named: ReadonlyMap<string, string> | undefined;

function readEntities(): ReadonlyMap<string, string> {
  const entities = new Map<string, string>();
  for (const entry of ENTITIES.flatMap((group) => group.split(","))) {
    const [name, codes] = entry.split(" ");
    const bare = name.replace("!", "");
    const text = String.fromCodePoint(...codes.split("+").map((code) => parseInt(code, 16)));
    entities.set(`${bare};`, text);
    if (bare !== name) entities.set(bare, text);
  }
  return entities;
}

const entitiesByName = (): ReadonlyMap<string, string> => (named ??= readEntities());

/** What 0x80 to 0x9f are in windows-1252; those that it leaves open stay. */
export const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/** A number's character; those that are none are U+FFFD or nothing. */
function characterOf(number: number): string {
  if (number === 0 || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff)) return "\ufffd";
  if (number === 0x0d) return "\r";
  if (number >= 0x80 && number <= 0x9f) return WINDOWS_1252[number - 0x80];
  const isNone =
    number < 9 ||
    number === 0x0b ||
    (number >= 0x0e && number <= 0x1f) ||
    number === 0x7f ||
    (number >= 0xfdd0 && number <= 0xfdef) ||
    (number & 0xfffe) === 0xfffe;
  return isNone ? "" : String.fromCodePoint(number);
}

const REFERENCE = /&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/gu;

/** Text with its references replaced; of a name that is none, the longest beginning that is one. */
export function unescapeHtml(text: string): string {
  if (!text.includes("&")) return text;
  const entities = entitiesByName();
  return text.replace(REFERENCE, (whole, name: string) => {
    if (name[0] === "#") {
      const isHex = name[1] === "x" || name[1] === "X";
      return characterOf(isHex ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10));
    }
    const found = entities.get(name);
    if (found !== undefined) return found;
    for (let length = name.length - 1; length > 1; length--) {
      const part = entities.get(name.slice(0, length));
      if (part !== undefined) return part + name.slice(length);
    }
    return whole;
  });
}

/** Text with the references replaced that end with a semicolon, and names in capitals that mean nothing else. */
export function unescapeWhole(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&#?[0-9A-Za-z]{1,24};/g, (whole) => {
    if (whole[1] === "#") {
      const result = unescapeHtml(whole);
      return result.includes(";") ? whole : result;
    }
    const found = entitiesByName().get(whole.slice(1));
    if (found !== undefined) return found;
    const lower = entitiesByName().get(whole.slice(1).toLowerCase());
    const isCapital = whole === whole.toUpperCase() && unescapeHtml(whole) === whole;
    return lower !== undefined && isCapital ? lower.toUpperCase() : whole;
  });
}
