import { readFile } from "node:fs/promises";
import { expect, describe, test } from "vitest";
import { listRecipes, loadConfig } from "../../src/cli/load-config.ts";
import { openDataset } from "../../src/data/datasets.ts";
import { openSplit } from "../../src/data/splits/splits.ts";
import type { Recipe } from "../../src/index.ts";
import { hyperRule, hyperRuleSettings } from "../../src/transfer/classification/hyperrule.ts";
import { FEW_SHOT_SETS, FEW_SHOT_SHOTS, PUBLISHED } from "./published.ts";
import type { Leaf } from "./published-values.ts";

const recipes = listRecipes().filter(({ path }) =>
  /papers[/\\][^/\\]+[/\\]recipe[^/\\]*$/.test(path),
);

/** The leaves of a configuration by their paths; a list is a leaf. */
function leavesOf(value: unknown, path: readonly string[] = []): [string, Leaf][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [[path.join("."), value as Leaf]];
  }
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** The words of a head comment, without the marks of its lines. */
const wordsOf = (source: string): string =>
  source.slice(0, source.indexOf("*/")).replaceAll(/\s*\n \*\s?/g, " ");

test("every recipe of a paper has its row, and every row its recipe", () => {
  expect(Object.keys(PUBLISHED).sort()).toEqual(recipes.map(({ name }) => name).sort());
});

describe.each(recipes)("$name", ({ name, path }) => {
  test("has the published values, and no others than those that are known to be ours", async () => {
    const { name: own, evals: _, ...rest } = (await loadConfig(name)) as Recipe;
    expect(own).toBe(name);
    const { values, ours } = PUBLISHED[name];
    const found = leavesOf(rest);
    const numbers = Object.fromEntries(found.map(([key, leaf]) => [key, rounded(leaf)]));
    expect(numbers).toEqual({ ...values, ...ours });
    expect(Object.keys(ours ?? {}).filter((key) => key in values)).toEqual([]);
  });

  test("evaluates on the published splits, as often", async () => {
    const { evals = {} } = (await loadConfig(name)) as Recipe;
    const found = Object.values(evals).map(({ split, every }) => [split, every] as const);
    const often = Object.fromEntries(found.map(([split, every]) => [split, leavesOf(every)[0][1]]));
    expect(often).toEqual(PUBLISHED[name].evals);
    for (const [split, every] of found) expect(leavesOf(every)[0][1]).toBe(often[split]);
  });

  test("names what it leaves out, what it needs, and nothing by an older word", async () => {
    const source = await readFile(path, "utf8");
    const words = wordsOf(source);
    expect(words).not.toMatch(/\bGaps?:/);
    const { fewShot } = PUBLISHED[name];
    const [, left = ""] = / Left out here: (.*)/.exec(words) ?? [];
    expect(left.includes("few-shot")).toBe(fewShot !== undefined);
    if (fewShot) {
      expect(left).toContain(`every ${fewShot.everySteps.toLocaleString("en")} steps`);
      expect(left).toContain(`${FEW_SHOT_SHOTS.join(", ").replace(/, (\d+)$/, " and $1")} images`);
      for (const set of FEW_SHOT_SETS) expect(left).toContain(set);
    }
    const config = Object.fromEntries(leavesOf(await loadConfig(name)));
    const files = [
      ...[config["init.weights"], config["objective.teacher.weights"]],
      config["task.tokenizer.file"],
    ];
    const [, , second, third] = source.split("\n");
    expect(second.startsWith(" * Before it runs: fetch ")).toBe(files.some(Boolean));
    for (const file of files) if (file !== undefined) expect(second + third).toContain(file);
  });
});

/** A product such as 0.1 · 4096 / 256 without what binary fractions add to it. */
const rounded = (leaf: Leaf): Leaf =>
  typeof leaf === "number" ? Number(leaf.toPrecision(12)) : leaf;

test("the splits of ImageNet's recipes are apart from the slices that choose", async () => {
  const mnist = await openDataset({ name: "mnist" });
  for (const [name, { values, evals }] of Object.entries(PUBLISHED)) {
    if (typeof values.split !== "string") continue;
    const ids = async (split: string): Promise<string[]> => {
      const source = await openSplit(mnist, split);
      return Array.from({ length: source.length }, (_, i) => source.id(i));
    };
    const trained = new Set(await ids(values.split));
    const chosen = Object.keys(evals).filter((split) => split.startsWith("train[9"));
    for (const split of chosen) {
      expect(
        (await ids(split)).filter((id) => trained.has(id)),
        `${name} ${split}`,
      ).toEqual([]);
    }
  }
});

test("bit-hyperrule is the rule that a transfer follows", async () => {
  const recipe = (await loadConfig("bit-hyperrule")) as Recipe;
  const rule = hyperRule({ examples: 50_000, height: 500, width: 334 });
  const { accumulate: _, ...settings } = hyperRuleSettings(rule, 1);
  expect(recipe).toMatchObject(settings);
  expect(leavesOf(recipe.optimizer)).toHaveLength(leavesOf(settings.optimizer).length);
  expect(recipe.preprocess.train).toContain(`resize(${rule.resize})|random_crop(${rule.crop})|`);
  expect(recipe.preprocess.eval).toContain(`resize(${rule.crop})`);
});
