/** @file A JSON schema of configurations, with the reference's words. */

import { z } from "zod";
import { configSchema } from "./config.ts";
import { REFERENCE } from "./reference.ts";

type Json = Record<string, unknown>;

/** The schema of a configuration as one writes it, with all definitions that were added. */
export function jsonSchema(): object {
  const schema = z.toJSONSchema(configSchema(), { io: "input", unrepresentable: "any" }) as Json;
  describe(schema, "", undefined);
  return { title: "A training configuration of Ocelli", ...schema };
}

/** Adds meanings and defaults to the properties of a schema at a path. */
function describe(schema: Json, path: string, of: string | undefined): void {
  for (const option of [schema.oneOf, schema.anyOf].flatMap((list) => (list ?? []) as Json[])) {
    describe(option, path, nameOf(option) ?? of);
  }
  for (const [key, property] of Object.entries((schema.properties ?? {}) as Record<string, Json>)) {
    const place = path === "" ? key : `${path}.${key}`;
    const entry = REFERENCE.find(
      (one) => one.key === place && (!one.of || (of !== undefined && one.of.includes(of))),
    );
    if (entry)
      property.description = [entry.meaning, said(entry.default)].filter(Boolean).join(" ");
    describe(property, place, of);
  }
  const inside = [
    [schema.additionalProperties, `${path}.NAME`],
    [schema.items, `${path}.N`],
  ] as const;
  for (const [child, place] of inside) {
    if (typeof child === "object" && child !== null) describe(child as Json, place, of);
  }
}

const said = (preset: string | undefined): string =>
  preset === undefined ? "" : `Default: ${preset}.`;

/** The choice that an object is, by its literal `name` or `type`. */
function nameOf({ properties }: Json): string | undefined {
  const { name, type } = (properties ?? {}) as Record<string, Json>;
  const literal = (type ?? name)?.const;
  return typeof literal === "string" ? literal : undefined;
}
