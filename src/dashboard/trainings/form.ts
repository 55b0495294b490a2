/** @file The form that starts a training: what it offers, from the configuration's schema, and what it takes. */

import type { ReferenceEntry } from "../../config/reference-entry.ts";
import { REFERENCE } from "../../config/reference.ts";
import { ENGINE_NAMES } from "../../engines/select.ts";
import { OcelliError, unknownName } from "../../errors.ts";
import { flatten, isObject } from "../../runs/read-config.ts";
import type { Start } from "./launcher.ts";

/** A recipe that a training may be started from. */
export interface Recipe {
  readonly name: string;
  readonly summary: string;
  /** Its configuration. */
  load(): Promise<unknown>;
}

/** A recipe with the values that it sets. */
interface OfferedRecipe {
  readonly name: string;
  readonly summary: string;
  readonly values: Readonly<Record<string, string | number | boolean>>;
  /** Whether it is for data of one's own, which it does not name. */
  readonly needsData: boolean;
}

/** What the form offers. */
export interface Form {
  readonly recipes: readonly OfferedRecipe[];
  readonly engines: readonly string[];
  /** Keys of the configuration that one value sets. */
  readonly keys: readonly ReferenceEntry[];
}

/** Keys that the form has in another way, or that say where files lie. */
const LEFT_OUT = /^(name|data)(\.|$)/;
/** Keys whose value is set as a whole; NAME and N stand for what a form cannot know. */
const isOffered = ({ key, type }: ReferenceEntry): boolean =>
  !LEFT_OUT.test(key) && !/(^|\.)(NAME|N)(\.|$)/.test(key) && !/^object\b/.test(type);

/** Each key once: what differs between the choices that have it, the training says. */
const OFFERED: readonly ReferenceEntry[] = [
  ...new Map(REFERENCE.filter(isOffered).map((entry) => [entry.key, entry])).values(),
];

/** What the form offers for these recipes; sweeps, which are no configuration, are left out. */
export async function describeForm(recipes: readonly Recipe[]): Promise<Form> {
  const offered = await Promise.all(
    recipes.map(async ({ name, summary, load }): Promise<OfferedRecipe | undefined> => {
      const config = await load();
      if (!isObject(config) || !isObject(config.model)) return undefined;
      const values = flatten(config);
      return { name, summary, values, needsData: config.data === undefined };
    }),
  );
  return {
    recipes: offered.filter((recipe) => recipe !== undefined),
    engines: ENGINE_NAMES,
    keys: OFFERED,
  };
}

/** Names of runs: no path leads out of the folder, and none is hidden. */
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,99}$/u;
/** Characters of a value. */
const LONGEST = 2000;
/** Keys that may be set at once. */
const MOST = 200;

/**
 * A filled-in form as a training's start.
 *
 * @throws an argument error that says what is wrong
 */
export function readForm(given: unknown, recipes: readonly string[]): Start {
  if (!isObject(given)) throw wrong("the form is no JSON object");
  const { recipe, name, data, engine, values = {} } = given;
  if (typeof recipe !== "string" || !recipes.includes(recipe)) {
    throw unknownName("recipe", textIn("recipe", recipe), recipes, "argument");
  }
  if (typeof name !== "string" || !NAME.test(name)) {
    throw wrong(
      "a run's name has letters, digits, _, . and -, and begins with a letter or a digit",
    );
  }
  if (!isObject(values) || Object.keys(values).length > MOST)
    throw wrong("the values are no settings");
  const keys = OFFERED.map(({ key }) => key);
  const settings = Object.entries(values).map(([key, value]): [string, string] => {
    if (!keys.includes(key)) throw unknownName("setting", key, keys, "argument");
    return [key, textIn(key, value)];
  });
  const chosen = optional("engine", engine);
  if (chosen !== undefined && !ENGINE_NAMES.includes(chosen)) {
    throw unknownName("engine", chosen, ENGINE_NAMES, "argument");
  }
  return { recipe, name, data: optional("data", data), engine: chosen, values: settings };
}

const optional = (what: string, value: unknown): string | undefined =>
  value === undefined || value === "" ? undefined : textIn(what, value);

function textIn(what: string, value: unknown): string {
  if (typeof value === "string" && value.length <= LONGEST && !value.includes("\0")) return value;
  throw wrong(`${what} must be a text of at most ${LONGEST} characters`);
}

const wrong = (problem: string): OcelliError => new OcelliError("argument", `${problem}.`);
