/** @file Configuration values given as text by their names, such as `--model.width 96`. */

import { z } from "zod";
import { OcelliError, unknownName } from "../errors.ts";
import { type Json, bare, children, pathsOf } from "./schema-walk.ts";
import { explain } from "./validate.ts";

/**
 * A configuration with the value at a path set from text: a number, true or false, JSON, or the text itself,
 * whichever the schema takes there. The end of a path stands for the whole where one path alone ends so: `lr` for
 * `optimizer.lr`; `epochs` and `steps` are those of the duration, and `batch-size` is `batchSize`. Where the new value excludes its neighbours (another unit of a duration, another model), the
 * neighbours go.
 *
 * @param others further names for suggestions, such as those of a command's own flags
 * @example
 * override(schema, { duration: { epochs: 10 } }, "duration.steps", "5"); // { duration: { steps: 5 } }
 */
export function override(
  schema: z.ZodType,
  config: unknown,
  name: string,
  text: string,
  others: readonly string[] = [],
): unknown {
  const path = fullPath(schema, config, name);
  const set = (at: z.ZodType, value: unknown, keys: readonly string[]): unknown => {
    const [key, ...rest] = keys;
    const base = (value ?? {}) as Json;
    const options = children(at, key, value);
    const within = options.filter(
      (option) => rest.length === 0 || children(option, rest[0], base[key]).length > 0,
    );
    if (within.length === 0) {
      const valid = [...pathsOf(schema, config), ...others].map((name) => `--${name}`);
      throw unknownName("option", `--${path}`, valid, "config");
    }
    const result =
      rest.length > 0 ? set(within[0], base[key], rest) : parseText(within, text, path);
    const merged = { ...base, [key]: result };
    const alone = { [key]: result };
    const excludes = !at.safeParse(merged).success && at.safeParse(alone).success;
    return excludes ? alone : merged;
  };
  return set(schema, config, path.split("."));
}

/** What flags that other commands have too stand for: training's own length, not that of a warm-up or a log. */
const COMMON: Readonly<Record<string, string>> = {
  epochs: "duration.epochs",
  steps: "duration.steps",
};

/** `batchSize` of `batch-size`, as flags of commands are written. */
const camelCase = (name: string): string =>
  name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The path that a name stands for: itself, or the one path that ends with it. */
function fullPath(schema: z.ZodType, config: unknown, given: string): string {
  const has = (path: string): boolean => children(schema, path.split(".")[0], config).length > 0;
  if (has(given)) return given;
  const name = camelCase(given);
  if (has(name)) return name;
  if (Object.hasOwn(COMMON, name) && has(COMMON[name])) return COMMON[name];
  const ends = pathsOf(schema, config).filter((path) => path.endsWith(`.${name}`));
  if (ends.length <= 1) return ends[0] ?? name;
  const shown = ends.map((path) => `--${path}`);
  throw new OcelliError("config", `--${name} may stand for ${shown.join(" or ")}.`, {
    given: name,
    valid: shown,
    hint: "Write one of them in full.",
  });
}

/** The first reading of a text that one of the schemas takes. */
function parseText(schemas: readonly z.ZodType[], text: string, path: string): unknown {
  const readings = readingsOf(text);
  for (const schema of schemas) {
    const reading = readings.find((value) => schema.safeParse(value).success);
    if (reading !== undefined) return reading;
  }
  const whole = z.strictObject({ [path]: combined(schemas) });
  const value = { [path]: readings[0] };
  throw explain(whole, value, whole.safeParse(value).error!.issues[0]);
}

/** One schema for what any of several take. */
function combined(schemas: readonly z.ZodType[]): z.ZodType {
  if (schemas.length === 1) return schemas[0];
  const literals = schemas.map(bare).flatMap((schema) => {
    return schema instanceof z.ZodLiteral ? [...schema.values] : [];
  });
  return literals.length === schemas.length ? z.literal(literals) : z.union(schemas);
}

function readingsOf(text: string): unknown[] {
  if (text === "true" || text === "false") return [text === "true", text];
  if (text.trim() !== "" && Number.isFinite(Number(text))) return [Number(text), text];
  try {
    return [JSON.parse(text), text];
  } catch {
    return [text];
  }
}
