/** @file Configurations by recipe name or path. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { OcelliError, unknownName } from "../errors.ts";

const RECIPES = new URL("../../recipes/", import.meta.url);
/** Recipes are TypeScript in the repository and compiled in the package. */
const EXTENSION = extname(import.meta.url);

/** A recipe that comes with Ocelli. */
interface Recipe {
  readonly name: string;
  /** The first sentence of its head comment: what it reproduces. */
  readonly summary: string;
  readonly path: string;
}

/** The recipes that come with Ocelli. */
export function listRecipes(): Recipe[] {
  return readdirSync(RECIPES)
    .filter((file) => file.endsWith(EXTENSION) && !/\.(d|test)\.ts$/.test(file))
    .map((file) => {
      const path = fileURLToPath(new URL(file, RECIPES));
      const [, comment = ""] = /\/\*\*(.*?)\*\//s.exec(readFileSync(path, "utf8")) ?? [];
      const text = comment
        .replaceAll(/\s*\n\s*\*\s?/g, " ")
        .replace(/^\s*@file\s+/, "")
        .trim();
      return { name: file.slice(0, -EXTENSION.length), summary: text.split(". ")[0], path };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The default export of a recipe, or of a `.ts`, `.js` or `.mjs` file. */
export async function loadConfig(nameOrPath: string): Promise<unknown> {
  const path = findConfig(nameOrPath);
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module;
  } catch (cause) {
    if (cause instanceof OcelliError) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new OcelliError("config", `${nameOrPath} cannot be loaded: ${problem}`, { cause });
  }
  if (module.default === undefined) {
    throw new OcelliError("config", `${nameOrPath} has no default export.`, {
      hint: "Write: export default defineConfig({ … }).",
    });
  }
  return module.default;
}

function findConfig(nameOrPath: string): string {
  if (/[/\\]|\.[cm]?[jt]s$/.test(nameOrPath)) {
    const path = resolve(nameOrPath);
    if (existsSync(path)) return path;
    throw new OcelliError("config", `there is no configuration file ${nameOrPath}.`);
  }
  const recipes = listRecipes();
  const recipe = recipes.find(({ name }) => name === nameOrPath);
  if (recipe) return recipe.path;
  const names = recipes.map(({ name }) => name);
  throw unknownName("recipe", nameOrPath, names, "config");
}
