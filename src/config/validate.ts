/** @file Validation of a configuration, with one clear line for what is wrong. */

import type { z } from "zod";
import { OcelliError, nearestNames, unknownName } from "../errors.ts";
import { bare, descend, discriminated, keysOf, literalsOf, unionOf } from "./schema-walk.ts";

/** The value checked, with defaults filled in; the first problem is a configuration error of one line. */
export function validate<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw explain(schema, value, result.error.issues[0]);
}

/** The error for a problem that a schema found. */
export function explain(schema: z.ZodType, value: unknown, issue: z.core.$ZodIssue): OcelliError {
  const at = descend(schema, value, issue.path);
  const place = issue.path.map(String).join(".") || "the configuration";
  const shown = at.value === undefined ? "nothing" : JSON.stringify(at.value);
  const fail = (problem: string) => new OcelliError("config", `${place} ${problem}`);
  switch (issue.code) {
    case "unrecognized_keys": {
      const name = (key: string) => [...issue.path.map(String), key].join(".");
      const valid = at.schema ? keysOf(at.schema, at.value).map(name) : [];
      return unknownName("key", name(issue.keys[0]), valid, "config");
    }
    case "invalid_union":
      return explainUnion(schema, value, issue, place, shown);
    case "invalid_value":
      return wrongValue(place, shown, issue.values.map(String));
    case "invalid_type":
      return fail(
        at.value === undefined
          ? `is missing; it must be ${withArticle(issue.expected)}.`
          : `must be ${withArticle(issue.expected)}, not ${shown}.`,
      );
    case "too_small":
      return fail(
        `must be ${issue.inclusive ? "at least" : "above"} ${issue.minimum}, not ${shown}.`,
      );
    case "too_big":
      return fail(
        `must be ${issue.inclusive ? "at most" : "below"} ${issue.maximum}, not ${shown}.`,
      );
    default:
      return fail(`must be ${issue.message}, not ${shown}.`);
  }
}

/** The error for a value that fits no option of a union. */
function explainUnion(
  schema: z.ZodType,
  value: unknown,
  issue: z.core.$ZodIssueInvalidUnion,
  place: string,
  shown: string,
): OcelliError {
  const parent = descend(schema, value, issue.path.slice(0, -1)).schema;
  const union = parent && discriminated(parent);
  if (union && issue.path.at(-1) === union.def.discriminator) {
    const key = union.def.discriminator;
    const names = union.options.flatMap((option) => literalsOf(option as z.ZodType, key));
    return wrongValue(place, shown, names);
  }
  const near = issue.errors.filter(
    ([first]) => first.path.length > 0 || first.code !== "invalid_type",
  );
  // of several objects, the one that knows all the keys that were given
  const knowing = near.filter((issues) => issues.every(({ code }) => code !== "unrecognized_keys"));
  const meant = near.length === 1 ? near : knowing;
  if (meant.length === 1) {
    const [first] = meant[0];
    return explain(schema, value, { ...first, path: [...issue.path, ...first.path] });
  }
  const { schema: at } = descend(schema, value, issue.path);
  const options = (at && unionOf(at)?.options) ?? [];
  const kinds = options.map((option) => describe(option as z.ZodType));
  return new OcelliError("config", `${place} must be one of ${kinds.join(", ")}; not ${shown}.`);
}

/** A schema in a word: `{ steps }`, `number`. */
function describe(schema: z.ZodType): string {
  const { type } = bare(schema).def;
  return type === "object" ? `{ ${keysOf(schema, undefined).join(", ")} }` : type;
}

function wrongValue(place: string, shown: string, valid: readonly string[]): OcelliError {
  const sorted = nearestNames(shown.replaceAll('"', ""), valid);
  return new OcelliError("config", `${place} must be one of ${sorted.join(", ")}; not ${shown}.`, {
    given: shown,
    valid: sorted,
  });
}

const withArticle = (type: string): string =>
  type === "int" ? "a whole number" : `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;
