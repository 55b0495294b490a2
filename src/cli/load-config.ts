/** @file Configurations by the name of a recipe or of a paper's room, or by path. */

import { existsSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { OcelliError, unknownName } from "../errors.ts";

const RECIPES = new URL("../../recipes/", import.meta.url);
const PAPERS = new URL("../../papers/", import.meta.url);
/** Recipes are TypeScript in the repository and compiled in the package. */
const EXTENSION = extname(import.meta.url);

/** A recipe or a claim that comes with Ocelli. */
interface Recipe {
  readonly name: string;
  /** The first sentence of its head comment: what it reproduces. */
  readonly summary: string;
  readonly path: string;
}

/** The recipes that come with Ocelli: everyday ones, then those of published systems. */
export function listRecipes(): Recipe[] {
  const everyday = modulesIn(RECIPES).map((file) => recipeOf(file, new URL(file, RECIPES)));
  return [...everyday, ...paperModules("recipe")];
}

/** The claims of published systems. */
export const listClaims = (): Recipe[] => paperModules("claim");

/** The README of a claim's room; undefined where it is not beside the claim, as in the published package. */
export function claimReadme(name: string): string | undefined {
  const claim = listClaims().find((one) => one.name === name);
  const path = claim && join(dirname(claim.path), "README.md");
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** `recipe.ts` is known by its room's name, `recipe-NAME.ts` as `ROOM-NAME`; so are claims. */
function paperModules(kind: "recipe" | "claim"): Recipe[] {
  const rooms = readdirSync(PAPERS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return rooms
    .map(({ name }) => name)
    .sort()
    .flatMap((room) =>
      modulesIn(new URL(`${room}/`, PAPERS)).flatMap((file) => {
        const base = file.slice(0, -EXTENSION.length);
        if (base !== kind && !base.startsWith(`${kind}-`)) return [];
        const name = room + base.slice(kind.length);
        return [{ ...recipeOf(file, new URL(`${room}/${file}`, PAPERS)), name }];
      }),
    );
}

const modulesIn = (folder: URL): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(EXTENSION) && !/\.(d|test)\.ts$/.test(file))
    .sort();

function recipeOf(file: string, url: URL): Recipe {
  const path = fileURLToPath(url);
  const [, comment = ""] = /\/\*\*(.*?)\*\//s.exec(readFileSync(path, "utf8")) ?? [];
  const text = comment
    .replaceAll(/\s*\n\s*\*\s?/g, " ")
    .replace(/^\s*@file\s+/, "")
    .trim();
  return { name: file.slice(0, -EXTENSION.length), summary: text.split(". ")[0], path };
}

/** The default export of a recipe, or of a `.ts`, `.js` or `.mjs` file. */
export const loadConfig = (nameOrPath: string): Promise<unknown> =>
  loadModule(nameOrPath, findConfig(nameOrPath));

/** The default export of a claim, by its name. */
export async function loadClaim(name: string): Promise<unknown> {
  const claims = listClaims();
  const claim = claims.find((one) => one.name === name);
  if (claim) return loadModule(name, claim.path);
  const names = claims.map((one) => one.name);
  throw unknownName("claim", name, names, "argument");
}

async function loadModule(nameOrPath: string, path: string): Promise<unknown> {
  let module: { default?: unknown; use?: unknown };
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
  if (module.use !== undefined) {
    const { useExported } = await import("../served/modules.ts");
    await useExported(realpathSync(path), module);
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
