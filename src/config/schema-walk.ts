/** @file Walking a schema along a value: which keys may stand where. */

import { z } from "zod";

/** A plain object of a configuration. */
export type Json = Record<string, unknown>;

/** The literals that a key of an object schema may have. */
export function literalsOf(option: z.ZodType, key: string): string[] {
  const child = option instanceof z.ZodObject ? (option.shape[key] as z.ZodType) : undefined;
  const literal = child && bare(child);
  return literal instanceof z.ZodLiteral ? [...literal.values].map(String) : [];
}

/** A schema without what makes it optional, nullable, read-only or late. */
export function bare(schema: z.ZodType): z.ZodType {
  const wrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodLazy;
  return wrapped ? bare(schema.unwrap() as z.ZodType) : schema;
}

/** The union that a schema is. */
export function unionOf(schema: z.ZodType): z.ZodUnion | undefined {
  const union = bare(schema);
  return union instanceof z.ZodUnion ? union : undefined;
}

/** The discriminated union that a schema is. */
export function discriminated(schema: z.ZodType): z.ZodDiscriminatedUnion | undefined {
  const union = bare(schema);
  return union instanceof z.ZodDiscriminatedUnion ? union : undefined;
}

/** Whether an object schema is the one that is meant where the key is left out. */
const isDefault = (option: z.ZodType, key: string): boolean =>
  option instanceof z.ZodObject && option.shape[key] instanceof z.ZodDefault;

/** The object and record schemas that a value may have to fit; a discriminator that it names narrows them. */
function objectOptions(outer: z.ZodType, value: unknown): z.ZodType[] {
  const schema = bare(outer);
  if (schema instanceof z.ZodObject || schema instanceof z.ZodRecord) return [schema];
  if (!(schema instanceof z.ZodUnion)) return [];
  const options = schema.options as z.ZodType[];
  const key = discriminated(schema)?.def.discriminator;
  const name = (value as Json | undefined)?.[key ?? ""];
  const chosen = key
    ? options.filter((option) =>
        name === undefined
          ? value !== undefined && isDefault(option, key)
          : literalsOf(option, key).includes(String(name)),
      )
    : [];
  return (chosen.length > 0 ? chosen : options).flatMap((option) => objectOptions(option, value));
}

/** The schemas of the values under a key; more than one where a union leaves it open. */
export function children(schema: z.ZodType, key: string, value: unknown): z.ZodType[] {
  const isDiscriminator = discriminated(schema)?.def.discriminator === key;
  return objectOptions(schema, isDiscriminator ? undefined : value).flatMap((option) => {
    if (option instanceof z.ZodRecord) return [option.valueType as z.ZodType];
    const object = option as z.ZodObject;
    const child = (object.shape[key] as z.ZodType | undefined) ?? restOf(object);
    return child ? [child] : [];
  });
}

/** The schema of an object's other keys; undefined where it has none. */
function restOf({ def: { catchall } }: z.ZodObject): z.ZodType | undefined {
  const rest = catchall as z.ZodType | undefined;
  return rest instanceof z.ZodNever ? undefined : rest;
}

/** The keys that a value may have; a record's own keys are free. */
export function keysOf(schema: z.ZodType, value: unknown): string[] {
  const own = Object.keys((value as Json | undefined) ?? {});
  const keys = objectOptions(schema, value).flatMap((option) => {
    if (!(option instanceof z.ZodObject)) return own;
    return [...Object.keys(option.shape), ...(restOf(option) ? own : [])];
  });
  return [...new Set(keys)];
}

/** The schema and the value at a path, as far as both are known. */
export function descend(schema: z.ZodType, value: unknown, path: readonly PropertyKey[]) {
  let at: { schema: z.ZodType | undefined; value: unknown } = { schema, value };
  for (const key of path) {
    const [child] = at.schema ? children(at.schema, String(key), at.value) : [];
    at = { schema: child, value: (at.value as Json | undefined)?.[String(key)] };
  }
  return at;
}

/** Every path to a value, such as `model.width`, given what a configuration chose so far. */
export function pathsOf(schema: z.ZodType, value: unknown, prefix = ""): string[] {
  return keysOf(schema, value).flatMap((key) => {
    const child = (value as Json | undefined)?.[key];
    const below = children(schema, key, value).flatMap((option) =>
      pathsOf(option, child, `${prefix}${key}.`),
    );
    return below.length > 0 ? [...new Set(below)] : [prefix + key];
  });
}
