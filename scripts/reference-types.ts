/** @file What a schema takes, in words, and an example of it. */

import { z } from "zod";
import { bare, discriminated } from "../src/config/schema-walk.ts";

/** Names as literals. */
export const joined = (names: readonly unknown[]): string =>
  names.map((name) => JSON.stringify(name)).join(" or ");

/** What a schema takes. */
export function describeType(outer: z.ZodType): string {
  const schema = bare(outer);
  const orNull = isNullable(outer) ? " or null" : "";
  return describe(schema) + orNull;
}

const isNullable = (schema: z.ZodType): boolean =>
  schema instanceof z.ZodNullable ||
  ((schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodReadonly) &&
    isNullable(schema.unwrap() as z.ZodType));

function describe(schema: z.ZodType): string {
  if (schema instanceof z.ZodNumber) return describeNumber(schema);
  if (schema instanceof z.ZodString) return "text";
  if (schema instanceof z.ZodBoolean) return "true or false";
  if (schema instanceof z.ZodEnum) return joined(schema.options);
  if (schema instanceof z.ZodLiteral) return joined([...schema.values]);
  if (schema instanceof z.ZodArray) return `list of ${describeType(schema.element as z.ZodType)}`;
  if (schema instanceof z.ZodTuple) {
    const items = schema.def.items.map((item) => describeType(item as z.ZodType));
    return `[${items.join(", ")}]`;
  }
  if (schema instanceof z.ZodRecord) {
    return `object from names to ${describeType(schema.valueType as z.ZodType)}`;
  }
  const union = discriminated(schema);
  if (union) return `object with a ${union.def.discriminator}`;
  if (schema instanceof z.ZodUnion) {
    const options = (schema.options as z.ZodType[]).map(describeType);
    return [...new Set(options)].join(" or ");
  }
  if (schema instanceof z.ZodObject) return `{ ${Object.keys(schema.shape).join(", ")} }`;
  return "any value";
}

function describeNumber(schema: z.ZodNumber): string {
  const kind = schema.isInt ? "whole number" : "number";
  const checks = (schema.def.checks ?? []).map((check) => check._zod.def) as {
    readonly check: string;
    readonly value?: number;
    readonly inclusive?: boolean;
  }[];
  const bound = (name: string) => checks.find(({ check }) => check === name);
  const [least, most] = [bound("greater_than"), bound("less_than")];
  const from = least && (least.inclusive ? `from ${least.value}` : `above ${least.value}`);
  const to = most && (most.inclusive ? `to ${most.value}` : `below ${most.value}`);
  return [kind, from, to].filter(Boolean).join(" ");
}

/** A value that a schema takes: its default, or what is plain for its kind; undefined where nothing is. */
export function exampleOf(outer: z.ZodType, preset: string | undefined): string | undefined {
  const schema = bare(outer);
  const fits = (text: string): boolean => {
    try {
      return outer.safeParse(JSON.parse(text)).success;
    } catch {
      return false;
    }
  };
  if (preset !== undefined && preset !== "false" && preset !== "null" && fits(preset)) {
    return preset;
  }
  const options =
    schema instanceof z.ZodEnum
      ? schema.options.map((option) => JSON.stringify(option))
      : schema instanceof z.ZodBoolean
        ? ["true"]
        : schema instanceof z.ZodNumber
          ? ["1", "0.1", "100"]
          : [];
  return options.find(fits);
}
