/** @file What people add to Ocelli: definitions by name, in one list for each kind, and how a configuration chooses one. */

import { z } from "zod";
import { OcelliError, unknownName } from "./errors.ts";

/** The options that a schema takes; nothing to say where it has no keys. */
type OptionsOf<Schema extends z.ZodObject> = keyof Schema["shape"] extends never
  ? unknown
  : z.input<Schema>;

/** How a configuration chooses one of several definitions: by its name under a key, beside its options. */
export type ChoiceAmong<Key extends string, D, Beside = unknown> = D extends {
  readonly name: infer Name;
  readonly schema: infer Schema extends z.ZodObject;
}
  ? { readonly [K in Key]: Name } & OptionsOf<Schema> & Beside
  : never;

/** The definition of a name; a configuration error lists the nearest names where there is none. */
export function findDefinition<D extends { readonly name: string }>(
  kind: string,
  definitions: readonly D[],
  name: string,
): D {
  const found = definitions.find((definition) => definition.name === name);
  if (found) return found;
  throw unknownName(
    kind,
    name,
    definitions.map((definition) => definition.name),
    "config",
  );
}

/** The definitions that were added. */
const additions = new WeakSet<object>();

/** Whether a definition was added, and did not come with Ocelli. */
export const isAddition = (definition: object): boolean => additions.has(definition);

/**
 * Adds a definition to a list; one that is there already stays.
 *
 * @throws a configuration error where the name stands for another definition
 */
export function addDefinition<D extends { readonly name: string }>(
  kind: string,
  definitions: D[],
  added: D,
): void {
  const found = definitions.find(({ name }) => name === added.name);
  if (found === added) return;
  if (found) {
    throw new OcelliError("config", `there is already another ${kind} named "${added.name}".`, {
      given: added.name,
      hint: "Give yours another name.",
    });
  }
  definitions.push(added);
  additions.add(added);
}

/** What a choice is made among. */
interface Choosable {
  readonly name: string;
  readonly schema: z.ZodObject;
}

/** How a choice is written. */
interface ChoiceOptions {
  /** What each has before its own options. */
  readonly before?: z.core.$ZodLooseShape;
  /** What each has beside its own options. */
  readonly keys?: z.core.$ZodLooseShape;
  /** The one that is meant where none is named. */
  readonly usual?: string;
}

/**
 * The schema of a choice: the options of one of the definitions, under its name.
 *
 * @param key the key that holds the name
 */
export function choiceOf<Output, Input = Output>(
  key: string,
  definitions: readonly Choosable[],
  { before = {}, keys = {}, usual }: ChoiceOptions = {},
): z.ZodType<Output, Input> {
  const options = definitions.map(({ name, schema }) => {
    const literal = z.literal(name);
    return z.strictObject({
      [key]: name === usual ? literal.default(name) : literal,
      ...before,
      ...schema.shape,
      ...keys,
    });
  });
  const [first, ...others] = options;
  return z.discriminatedUnion(key, [first, ...others]) as unknown as z.ZodType<Output, Input>;
}

/**
 * A schema that is made anew whenever it is read, so that it knows definitions that were added since; that of `z.lazy`
 * is made once.
 */
export function lateSchema<S extends z.ZodType>(make: () => S): z.ZodLazy<S> {
  const schema = z.lazy(make);
  Object.defineProperty(schema._zod, "innerType", { get: make });
  return schema;
}

/** The kinds of things that people define. */
const KINDS = [
  "model",
  "objective",
  "evaluator",
  "task",
  "source",
  "operation",
  "optimizer",
] as const;

/** What all definitions have. */
export interface Named {
  readonly kind: (typeof KINDS)[number];
  readonly name: string;
}

/** The definitions among a module's exports, alone or in lists. */
export const definitionsIn = (module: object): Named[] =>
  Object.values(module)
    .flatMap((value: unknown) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter(
      (value): value is Named =>
        typeof value === "object" &&
        value !== null &&
        KINDS.some((kind) => (value as Partial<Named>).kind === kind) &&
        typeof (value as Partial<Named>).name === "string",
    );

/** The files that definitions were loaded from, where that is known. */
const files = new WeakMap<object, string>();

/** Keeps the file that a definition was loaded from. */
export const rememberFile = (definition: object, file: string): void =>
  void files.set(definition, file);

/** The file that a definition was loaded from; undefined where a program made it. */
export const fileOf = (definition: object): string | undefined => files.get(definition);
