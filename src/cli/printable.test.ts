import { expect, test } from "vitest";
import type { Output } from "./command.ts";
import { type OutputOptions, createOutput } from "./output.ts";
import { printable, printableName } from "./printable.ts";

test("control characters are written as escapes, other text as it is", () => {
  expect(printable("dög\t猫 100 %\nnext")).toBe("dög\t猫 100 %\nnext");
  expect(printable("\x1b]0;title\x07 \x9b2J\r\x00")).toBe("\\x1b]0;title\\x07 \\x9b2J\\x0d\\x00");
  expect(printable("photo\u202egpj.exe")).toBe("photo\\u202egpj.exe");
  expect(printableName("a\nocelli: all is well\tb")).toBe("a\\x0aocelli: all is well\\x09b");
});

test("lines and status are written without control characters of theirs", () => {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  const output = createOutput({ isTTY: true, columns: 80, write } as unknown as NodeJS.WriteStream);
  output.line("class \x1b[2J");
  output.status("at \x07");
  expect(written).toEqual(["class \\x1b[2J\n", "at \\x07"]);
});

/** What is written on a stream of some columns, or on none that is a terminal. */
function written(columns: number | undefined, options: OutputOptions = {}): [Output, string[]] {
  const texts: string[] = [];
  const write = (text: string) => texts.push(text) > 0;
  const stream = { isTTY: columns !== undefined, columns, write };
  return [createOutput(stream as unknown as NodeJS.WriteStream, options), texts];
}

test("a status is cut by the cells that it takes, and is replaced by the next line", () => {
  const [output, texts] = written(8);
  output.status("猫と犬と鳥");
  output.line("done");
  expect(texts).toEqual(["猫と犬…", "\r\x1b[K", "done\n"]);
});

test("what is no terminal gets no status and no control codes", () => {
  const [output, texts] = written(undefined);
  output.status("50 %");
  output.line("a");
  output.result("b");
  expect(texts).toEqual(["a\n", "b\n"]);
  expect(output.columns).toBe(100);
});

test("quiet leaves results alone; with JSON elsewhere, nothing", () => {
  const [quiet, shown] = written(80, { quiet: true });
  const [silent, nothing] = written(80, { quiet: true, elsewhere: true });
  for (const output of [quiet, silent]) {
    output.line("note");
    output.status("50 %");
    output.result("accuracy 1");
  }
  expect(shown).toEqual(["accuracy 1\n"]);
  expect(nothing).toEqual([]);
});
