/** @file `ocelli config`: what a configuration may say, and its JSON schema. */

import type { ReferenceEntry } from "../config/reference-entry.ts";
import { OcelliError, unknownName } from "../errors.ts";
import { type Command, USE_FLAG } from "./command.ts";

export const config: Command = {
  name: "config",
  summary: "Show what a configuration may say: all keys, or one with what is below it",
  operands: "[KEY]",
  arity: [0, 1],
  flags: {
    schema: { type: "switch", help: "print a JSON schema, by which editors check and complete" },
    use: USE_FLAG,
  },
  examples: [
    "ocelli config",
    "ocelli config optimizer.schedule",
    "ocelli config adamw",
    "ocelli config --schema > ocelli.schema.json",
  ],
  async run({ operands: [key], switches }, output) {
    if (switches.has("schema")) {
      if (key !== undefined) {
        throw new OcelliError("argument", `--schema is of all keys; it takes no ${key}.`);
      }
      const { jsonSchema } = await import("../config/json-schema.ts");
      const schema = jsonSchema();
      if (!switches.has("json")) output.line(JSON.stringify(schema, null, 2));
      return schema;
    }
    const { REFERENCE } = await import("../config/reference.ts");
    if (key === undefined) {
      const top = REFERENCE.filter((entry) => !entry.key.includes("."));
      const width = Math.max(...top.map(({ key: name }) => name.length));
      for (const entry of top) output.line(`${entry.key.padEnd(width)}  ${entry.meaning}`);
      output.line("Keys below these: ocelli config KEY");
      return { keys: top };
    }
    const keys = findKeys(REFERENCE, key);
    for (const [i, entry] of keys.entries()) {
      if (i > 0) output.line("");
      for (const line of describe(entry)) output.line(line);
    }
    return { keys };
  },
};

/** A key's entries with those below it; those of keys that end so; or those of a choice, such as a model. */
function findKeys(all: readonly ReferenceEntry[], given: string): readonly ReferenceEntry[] {
  const below = (key: string, entry: ReferenceEntry): boolean =>
    entry.key === key || entry.key.startsWith(`${key}.`);
  const exact = all.filter((entry) => below(given, entry));
  if (exact.length > 0) return exact;
  const ends = new Set(all.map(({ key }) => key).filter((key) => key.endsWith(`.${given}`)));
  if (ends.size > 0) return all.filter((entry) => [...ends].some((key) => below(key, entry)));
  const ofChoice = all.filter(({ of }) => of?.includes(given));
  if (ofChoice.length > 0) return ofChoice;
  const names = all.flatMap(({ key, of = [] }) => [key, ...of]);
  throw unknownName("key", given, new Set(names), "argument");
}

function describe({
  key,
  of,
  type,
  required,
  meaning,
  example,
  ...entry
}: ReferenceEntry): string[] {
  const preset = required
    ? "required"
    : entry.default === undefined
      ? ""
      : `default: ${entry.default}`;
  return [
    key + (of ? ` (${of.join(", ")})` : ""),
    `  ${meaning}`,
    `  ${[type, preset].filter(Boolean).join("; ")}`,
    ...(example === undefined ? [] : [`  example: ${example}`]),
  ];
}
