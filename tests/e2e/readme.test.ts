/** @file The README's program is run as it stands there. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

test("the README's example runs and prints the gradient", () => {
  const [, program] = /```ts\n([\s\S]*?)```/.exec(readFileSync("README.md", "utf8"))!;
  const folder = mkdtempSync(join("tests", "e2e", ".readme-")); // inside, so that "ocelli" resolves
  try {
    const file = join(folder, "example.ts");
    writeFileSync(file, program);
    const printed = execFileSync(process.execPath, [file], { encoding: "utf8" });
    const [first, second] = [...printed.matchAll(/\d+\.\d+/g)].map(([number]) => Number(number));
    expect(printed).toContain("[ 2, 1 ] Float32Array(2)");
    expect(first).toBeCloseTo(26 / 3, 5);
    expect(second).toBeCloseTo(32 / 3, 5);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
