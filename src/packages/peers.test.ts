import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { importOptional, missingPackage, needsPackage } from "./peers.ts";

test("every optional package says what it is for", () => {
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(
    readFileSync("package.json", "utf8"),
  ) as { peerDependencies: object; peerDependenciesMeta: Record<string, { optional: boolean }> };
  const names = Object.keys(peerDependencies);
  expect(names).not.toEqual([]);
  for (const name of names) {
    expect(peerDependenciesMeta[name]).toEqual({ optional: true });
    expect(needsPackage(name).message).not.toMatch(/^This needs/);
    const absent = Object.assign(new Error(`Cannot find package '${name}' imported from x`), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    expect(missingPackage(absent)?.message).toContain(name);
  }
});

test("an optional package that is missing is named with how to install it", async () => {
  const error = Object.assign(new Error("Cannot find package 'hono' imported from app.js"), {
    code: "ERR_MODULE_NOT_FOUND",
  });
  await expect(importOptional(() => Promise.reject(error))).rejects.toThrow(
    "The local page and the server need the packages hono and @hono/node-server. Install what is missing: npm install hono @hono/node-server",
  );
});

test("other errors stay as they are", async () => {
  const absent = "no-such-package-of-ours";
  await expect(importOptional(() => import(absent))).rejects.toMatchObject({
    code: "ERR_MODULE_NOT_FOUND",
  });
  expect(missingPackage(new Error("Cannot find package 'hono'"))).toBeUndefined();
  expect(missingPackage(undefined)).toBeUndefined();
});

/** What a file imports when it is loaded, types and later imports left out. */
const importsOf = (file: string): string[] =>
  [
    ...readFileSync(file, "utf8").matchAll(
      /^(?:import|export)\s(?!type\b)(?:[\w$*{},\s]*?\sfrom\s)?"([^"]+)"/gm,
    ),
  ].map(([, name]) => name);

test("every entry loads without the optional packages", () => {
  const { exports, peerDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
    exports: Record<string, string>;
    peerDependencies: object;
  };
  const seen = new Map<string, string>(); // files by which one imports them
  const follow = (file: string, from: string): void => {
    if (seen.has(file) || !file.endsWith(".ts")) return;
    seen.set(file, from);
    for (const name of importsOf(file)) {
      const isPeer = Object.keys(peerDependencies).some(
        (peer) => name === peer || name.startsWith(`${peer}/`),
      );
      expect(isPeer && `${file}, of ${from}, imports ${name}`).toBe(false);
      if (name.startsWith(".")) follow(join(dirname(file), name), file);
    }
  };
  for (const entry of Object.values(exports)) follow(entry.replace(/^\.\//, ""), "package.json");
  expect(seen.size).toBeGreaterThan(300);
});
