/** @file Every docstring's example runs as it stands, in a module that imports what the example names. */

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { PRELUDES, SHOWN_ELSEWHERE } from "./preludes.ts";

/** The public entries, in which an example's names are looked up. */
const ENTRIES = ["graph", "nn", "models", "losses", "optim", "objectives", "engines"];

interface Example {
  readonly file: string;
  readonly code: string;
}

function examplesOf(file: string): Example[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/^\s*\* @example\n((?:\s*\* (?!@).*\n)+)/gm)].map(([, lines]) => ({
    file: relative(".", file),
    code: lines.replaceAll(/^\s*\* ?/gm, ""),
  }));
}

const examples = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .sort()
  .flatMap((file) => examplesOf(join("src", file)));

/** An example whose comment states a value as a literal, with the value checked. */
function checked(code: string): string {
  const [, expression, stated] = /^(?!const)(.+); \/\/ (.+)\n$/.exec(code) ?? [];
  const isLiteral = stated && /^(\d[\d.]*|".*"|[[{].*[\]}])$/.test(stated);
  if (!isLiteral) return code;
  return `import { expect } from "vitest";
const plain = (value) => JSON.parse(JSON.stringify(value, (_, v) => (ArrayBuffer.isView(v) ? [...v] : v)));
expect(plain(${expression})).toEqual(${stated});\n`;
}

const folder = mkdtempSync(join("tests", "docs", ".examples-")); // inside, so that "ocelli" resolves
afterAll(() => rmSync(folder, { recursive: true }));

/** Import lines for the names that a program uses and does not declare, from its own file and the public entries. */
async function importsFor(program: string, file: string): Promise<string> {
  const taken = new Set([...program.matchAll(/(?:const|let|function) (\w+)/g)].map(([, n]) => n));
  const used = new Set(
    [...program.matchAll(/(?<![\w"]|(?<!\.\.)\.)[A-Za-z_]\w*/g)].map(([name]) => name),
  );
  const lines: string[] = [];
  for (const from of [file, ...ENTRIES.map((entry) => `src/${entry}/index.ts`)]) {
    const url = pathToFileURL(resolve(from)).href;
    const names = Object.keys((await import(url)) as object);
    const found = names.filter((name) => used.has(name) && !taken.has(name));
    found.forEach((name) => taken.add(name));
    if (found.length > 0) lines.push(`import { ${found.join(", ")} } from ${JSON.stringify(url)};`);
  }
  const types = ["Params", "Scope"].filter((name) => used.has(name) && !taken.has(name));
  if (types.length > 0) lines.push(`import type { ${types.join(", ")} } from "ocelli/nn";`);
  return lines.join("\n");
}

describe("docstring examples", () => {
  test("there are some, and each listed file still has one", () => {
    const files = new Set(examples.map(({ file }) => file));
    expect(files.size).toBeGreaterThan(20);
    for (const file of [...Object.keys(PRELUDES), ...Object.keys(SHOWN_ELSEWHERE)]) {
      expect([...files]).toContain(file);
    }
  });

  examples.forEach(({ file, code }, index) => {
    const elsewhere = SHOWN_ELSEWHERE[file];
    const title = `${file}: ${code.split("\n")[0]}`;
    if (elsewhere) return void test.skip(`${title} (shown by ${elsewhere})`);
    test(title, async () => {
      const program = `${PRELUDES[file] ?? ""}\n${checked(code)}`;
      const path = join(folder, `${index}.ts`);
      writeFileSync(path, `${await importsFor(program, file)}\n${program}\nexport {};\n`);
      await import(pathToFileURL(resolve(path)).href);
    });
  });
});
