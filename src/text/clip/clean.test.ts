import { expect, test } from "vitest";
import { cleanText } from "./clean.ts";
import { unescapeHtml, unescapeWhole } from "./html.ts";

test.each([
  ["  two   spaces\t\n", "two spaces"],
  ["“curly” ‘quotes’", "\"curly\" 'quotes'"],
  ["ﬁne Ǆ", "fine DŽ"],
  ["ＡＢＣ　１ ｶﾞ", "ABC 1 ガ"],
  ["Cafe\u0301", "Café"],
  ["x\x1b[31mred\x00\ufeff", "xred"],
  ["\x91quoted\x92", "'quoted'"],
  ["&amp;eacute; &EACUTE; &frac12;", "é É ½"],
  ["<b> &EACUTE; &eacute;", "<b> &EACUTE; é"],
  ["a\u2028b", "a b"],
])("%j becomes %j", (text, cleaned) => {
  expect(cleanText(text)).toBe(cleaned);
});

test("references as Python's html.unescape reads them", () => {
  const cases = {
    "&lt;&lt": "<<",
    "&notit;": "¬it;",
    "&#0;&#128;&#x1F600;&#xD800;&#1;": "\ufffd€😀\ufffd",
    "&#65 &unknown; &;": "A &unknown; &;",
    "&ampamp;": "&amp;",
  };
  for (const [text, plain] of Object.entries(cases)) expect(unescapeHtml(text)).toBe(plain);
});

test("ftfy replaces whole references only, and no semicolon", () => {
  expect(unescapeWhole("&lt &#59; &NTILDE; &Ntilde; &LT;")).toBe("&lt &#59; Ñ Ñ <");
});
