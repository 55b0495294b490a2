import { expect, test } from "vitest";
import { createOutput } from "./output.ts";
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
