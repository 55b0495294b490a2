import fc from "fast-check";
import { expect, test } from "vitest";
import { csvReader } from "./csv.ts";
import { expectRobust } from "./test-helpers.ts";

function rows(...pieces: string[]): string[][] {
  const reader = csvReader();
  const found = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
  return found.map(({ fields }) => [...fields]);
}

test.each([
  [
    "plain",
    "a,b\n1,2\n",
    [
      ["a", "b"],
      ["1", "2"],
    ],
  ],
  [
    "a byte order mark, CR LF, no last line break",
    "\uFEFFa,b\r\n1,2",
    [
      ["a", "b"],
      ["1", "2"],
    ],
  ],
  [
    "quotes",
    'a,b\n"x, ""y""",\n',
    [
      ["a", "b"],
      ['x, "y"', ""],
    ],
  ],
  [
    "a line break in quotes",
    'a,b\n"1\n2",3\n',
    [
      ["a", "b"],
      ["1\n2", "3"],
    ],
  ],
  [
    "CR alone, as old spreadsheets end lines",
    'a,b\r1,"x\ry"\r3,4\r',
    [
      ["a", "b"],
      ["1", "x\ry"],
      ["3", "4"],
    ],
  ],
  ["CR CR LF", "a\r\r\n1\r\r\n", [["a"], ["1"]]],
  ["blank lines", "a\n\n1\n\r\n", [["a"], ["1"]]],
  [
    "semicolons",
    "a;b\n1,5;2\n",
    [
      ["a", "b"],
      ["1,5", "2"],
    ],
  ],
  [
    "tabs",
    "a\tb\n1\t2\n",
    [
      ["a", "b"],
      ["1", "2"],
    ],
  ],
  [
    "blanks around quotes",
    'a, "b, c" ,d\r\n "1","2" , 3\n',
    [
      ["a", "b, c", "d"],
      ["1", "2", " 3"],
    ],
  ],
  ["one line", "a,b", [["a", "b"]]],
  ["nothing", "", []],
])("%s", (_, text, expected) => {
  expect(rows(text)).toEqual(expected);
  expect(rows(...text)).toEqual(expected); // piece by piece
});

test("rows know their lines", () => {
  const reader = csvReader();
  const lines = [...reader.push('a\n\n"1\n2"\n3\n'), ...reader.end()].map(({ line }) => line);
  expect(lines).toEqual([1, 3, 5]);
});

test("quotes that are never closed, and text after closing ones, are errors", () => {
  expect(() => rows('a\n"b\n')).toThrow("line 2: a quote is never closed");
  expect(() => rows('a\n"b"c\n')).toThrow("line 2: text follows a closing quote");
});

test("any fields come back from quotes, and any text is rows or an error", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 4 }),
      (fields) => {
        const line = fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(",");
        expect(rows(`${fields.map(() => "h").join(",")},h\n${line},"end"`)[1]).toEqual([
          ...fields,
          "end",
        ]);
      },
    ),
  );
  expectRobust(fc.uint8Array({ maxLength: 60 }), (bytes) =>
    rows(new TextDecoder("latin1").decode(bytes)),
  );
  const characters = fc.constantFrom('"', ",", "\n", "\r", "a", ";", "\uFEFF");
  const texts = fc.array(characters).map((some) => new TextEncoder().encode(some.join("")));
  expectRobust(texts, (bytes) => rows(new TextDecoder().decode(bytes)));
});
