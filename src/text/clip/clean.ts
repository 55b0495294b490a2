/**
 * @file How CLIP's text is cleaned before it is encoded: the repairs of the PyPI package `ftfy` 6.3 but one, HTML's
 * entities, and runs of spaces. Text that was decoded in the wrong encoding is left as it is ("Ã³" stays).
 */

import { WINDOWS_1252, unescapeHtml, unescapeWhole } from "./html.ts";

const LIGATURES: Readonly<Record<string, string>> = {
  Ĳ: "IJ",
  ĳ: "ij",
  ŉ: "ʼn",
  Ǳ: "DZ",
  ǲ: "Dz",
  ǳ: "dz",
  Ǆ: "DŽ",
  ǅ: "Dž",
  ǆ: "dž",
  Ǉ: "LJ",
  ǈ: "Lj",
  ǉ: "lj",
  Ǌ: "NJ",
  ǋ: "Nj",
  ǌ: "nj",
  ﬀ: "ff",
  ﬁ: "fi",
  ﬂ: "fl",
  ﬃ: "ffi",
  ﬄ: "ffl",
  ﬅ: "ſt",
  ﬆ: "st",
};

const C1 = /[\x80-\x9f]/g;
const ANY_LIGATURE = new RegExp(`[${Object.keys(LIGATURES).join("")}]`, "g");
/** Letters and signs as wide as a Chinese one, and half as wide as others are. */
const WIDE = /[\u3000\uff01-\uffef]/g;
const TERMINAL_ESCAPES = /\x1b\[[\d;]*[a-zA-Z]/gu;
const CONTROLS = /[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g;
/** Spaces as Python has them. */
const SPACES = /[\t-\r\x1c-\x20\x85\p{Z}]+/gu;

/** One pass over a line. */
function repair(line: string, unescapes: boolean): string {
  const text = unescapes ? unescapeWhole(line) : line;
  return text
    .replace(C1, (one) => WINDOWS_1252[one.charCodeAt(0) - 0x80])
    .replace(ANY_LIGATURE, (one) => LIGATURES[one])
    .replace(WIDE, (one) => one.normalize("NFKC"))
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/\r\n|[\r\u2028\u2029\x85]/g, "\n")
    .replace(TERMINAL_ESCAPES, "")
    .replace(CONTROLS, "")
    .normalize("NFC");
}

/** Line by line, each until nothing changes; entities are left from the first line with a "<" on. */
function repairLines(text: string): string {
  let unescapes = true;
  return text.replace(/[^\n]*\n|[^\n]+$/g, (line) => {
    unescapes &&= !line.includes("<");
    let before = line;
    for (;;) {
      const after = repair(before, unescapes);
      if (after === before) return after;
      before = after;
    }
  });
}

const PLAIN = /^[!-%'-;=?-~]+(?: [!-%'-;=?-~]+)*$/;

/** Text as CLIP has it before lower-casing. */
export function cleanText(text: string): string {
  if (PLAIN.test(text)) return text; // ASCII without entities, tags and double spaces
  const unescaped = unescapeHtml(unescapeHtml(repairLines(text)));
  return unescaped.replace(SPACES, " ").replace(/^ | $/g, "");
}
