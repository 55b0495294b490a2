import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listClaims, listRecipes, loadClaim, loadConfig } from "../../src/cli/load-config.ts";
import { type Claim, type ConfigInput, type SweepInput, train } from "../../src/index.ts";
import { configSchema } from "../../src/config/config.ts";
import { validate } from "../../src/config/validate.ts";
import { createFieldModel } from "../../src/models/index.ts";
import { miniature, objectPaths, withValue } from "./miniature.ts";
import { withFiles } from "./weights.ts";

let dir: string;
beforeAll(async () => (dir = await mkdtemp(join(tmpdir(), "ocelli-recipes-"))));
afterAll(() => rm(dir, { recursive: true }));

/** A recipe's configuration, or what a sweep begins with. */
async function read(name: string): Promise<ConfigInput> {
  const loaded = (await loadConfig(name)) as ConfigInput | SweepInput;
  return "base" in loaded ? (loaded.base as ConfigInput) : loaded;
}

test("every room has its recipe and its claim, under its name", () => {
  const rooms = new Set(listClaims().map(({ path }) => path.split(/[/\\]/).at(-2)));
  const recipes = listRecipes().map(({ name }) => name);
  const claims = listClaims().map(({ name }) => name);
  expect(rooms.size).toBeGreaterThanOrEqual(4);
  for (const room of rooms) {
    expect(recipes).toContain(room);
    expect(claims).toContain(room);
  }
});

describe.each(listRecipes())("$name", ({ name, summary }) => {
  test("says what it is, and trains two steps in miniature", async () => {
    expect(summary).not.toBe("");
    const small = await withFiles(miniature(await read(name)), dir);
    const result = await train(small, { engine: "ort", workdir: join(dir, name) });
    expect(result.steps).toBe(2);
    const { test: judged } = result.evals;
    const [value] = Object.values(judged);
    expect(Number.isFinite(result.loss ?? judged.loss ?? value)).toBe(true);
  });

  test("has no key that nothing reads", async () => {
    const whole = { data: { name: "mnist" }, ...((await read(name)) as object) };
    validate(configSchema(), whole);
    for (const path of objectPaths(whole)) {
      const wrong = withValue(whole, [...path, "unread"], 1);
      const read = (): void => {
        const { model } = validate(configSchema(), wrong);
        const { name: family, ...options } = model;
        createFieldModel(family, options); // towers are checked when they are made
      };
      expect(read, path.join(".")).toThrow(/unread/);
    }
  });
});

test.each(listClaims())("claim $name says what it is, and checks arms that it has", async (one) => {
  expect(one.summary).not.toBe("");
  const claim = (await loadClaim(one.name)) as Claim;
  expect(claim.name).toBe(one.name);
  const seen = new Set<string>();
  for (const { difference } of claim.checks) {
    const value = difference((arm) => {
      seen.add(arm);
      return 0.25;
    });
    expect(Number.isFinite(value)).toBe(true);
  }
  expect(Object.keys(claim.arms)).toEqual(expect.arrayContaining([...seen]));
});
