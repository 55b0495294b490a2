import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readLines, textsGiven } from "./texts.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-texts-"))));
afterAll(() => rm(dir, { recursive: true }));

const written = async (name: string, content: string | Uint8Array): Promise<string> => {
  const file = join(dir, name);
  await writeFile(file, content);
  return file;
};

test("lines of a file come behind the texts that are given, whatever ends them", async () => {
  const file = await written("a.txt", "\u{feff}a red bird\r\n  ein Vogel \r\n鳥\n\n");
  expect(await textsGiven([" one "], file)).toEqual(["one", "a red bird", "ein Vogel", "鳥"]);
  expect(await textsGiven([], undefined)).toEqual([]);
});

test("an empty line, bytes of another encoding and a missing file are named", async () => {
  const gap = await written("gap.txt", "a\n\nb\n");
  await expect(readLines(gap)).rejects.toThrow(`line 2 of ${gap} is empty.`);
  await expect(readLines(await written("none.txt", ""))).rejects.toThrow("line 1 of");
  const latin = await written("latin.txt", Uint8Array.of(0x56, 0xf6, 0x67, 0x65, 0x6c));
  await expect(readLines(latin)).rejects.toThrow(latin);
  await expect(readLines(join(dir, "no.txt"))).rejects.toThrow("cannot read");
  await expect(textsGiven(["  "], undefined)).rejects.toThrow("a --text is empty.");
});
