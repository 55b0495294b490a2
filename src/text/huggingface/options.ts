/** @file Parts of `tokenizer.json`: each names its type, and a table says what the type makes of its options. */

import { z } from "zod";
import { OcelliError, unknownName } from "../../errors.ts";
import { formatError } from "../../formats/bytes.ts";

const typed = z.looseObject({ type: z.string() });

/** A type of part: what it reads and what it makes of it. */
export type PartType<Part> = (options: unknown) => Part;

/** A type of part with options of a schema. */
export const partType =
  <Schema extends z.ZodType, Part>(
    schema: Schema,
    create: (options: z.output<Schema>) => Part,
  ): PartType<Part> =>
  (options) =>
    create(readAs(schema, options, "an option"));

/** A value by a schema; what does not fit is a format error that says where. */
export function readAs<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const { data, error } = schema.safeParse(value);
  if (!error) return data;
  const { path, message } = error.issues[0];
  throw formatError(`tokenizer.json: ${path.join(".") || what}: ${message}.`);
}

/** The part that an object describes, by the types there are. */
export function createPart<Part>(
  kind: string,
  types: Readonly<Record<string, PartType<Part>>>,
  value: unknown,
): Part {
  const { type } = readAs(typed, value, `the ${kind}`);
  if (!Object.hasOwn(types, type)) {
    const { message, valid } = unknownName(`${kind} of tokenizer.json`, type, Object.keys(types));
    throw new OcelliError("unsupported", message, { given: type, valid });
  }
  return types[type](value);
}
