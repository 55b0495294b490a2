/**
 * @file `node scripts/reference.ts`: writes the configuration reference, `src/config/reference.ts` and
 * `docs/configuration.md`, from the schemas and the comments on their keys. A test holds both up to date.
 */

import { writeFileSync } from "node:fs";
import { format } from "prettier";
import ts from "typescript";
import { z } from "zod";
import { configSchema } from "../src/config/config.ts";
import { bare, discriminated, literalsOf } from "../src/config/schema-walk.ts";
import { describeType, exampleOf, joined } from "./reference-types.ts";

/** What the reference says of a key. */
interface Entry {
  readonly key: string;
  of?: string[];
  readonly type: string;
  readonly required?: true;
  readonly default?: string;
  readonly meaning: string;
  readonly example?: string;
}

const FILE = "src/config/config.ts";

/** A type's comments, found beside the schema that it is inferred from. */
class Comments {
  readonly #checker: ts.TypeChecker;
  readonly root: ts.Type;

  constructor() {
    const { config } = ts.readConfigFile("tsconfig.json", (path) => ts.sys.readFile(path));
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ".");
    const program = ts.createProgram([FILE], options);
    this.#checker = program.getTypeChecker();
    const module = this.#checker.getSymbolAtLocation(program.getSourceFile(FILE)!)!;
    const alias = this.#checker
      .getExportsOfModule(module)
      .find(({ name }) => name === "ConfigInput")!;
    this.root = this.#checker.getDeclaredTypeOfSymbol(alias);
  }

  /** The members of a union, without what is no object. */
  members(type: ts.Type): ts.Type[] {
    return (type.isUnion() ? type.types : [type]).filter(
      (member) => (member.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0,
    );
  }

  /** The member whose key is a literal. */
  chosen(type: ts.Type, key: string, name: string): ts.Type {
    const found = this.members(type).filter((member) => {
      const of = this.child(member, key);
      const literals = of.isUnion() ? of.types : [of];
      return literals.some((literal) => literal.isStringLiteral() && literal.value === name);
    });
    if (found.length !== 1) throw new Error(`${found.length} types for ${key} "${name}"`);
    return found[0];
  }

  #property(type: ts.Type, key: string): ts.Symbol {
    for (const member of this.members(type)) {
      const found = this.#checker.getPropertyOfType(member, key);
      if (found) return found;
    }
    throw new Error(`no ${key} in ${this.#checker.typeToString(type)}`);
  }

  child(type: ts.Type, key: string): ts.Type {
    return this.#checker.getTypeOfSymbol(this.#property(type, key));
  }

  /** The values of a record, or the items of a list. */
  values(type: ts.Type): ts.Type {
    for (const member of this.members(type)) {
      const found =
        this.#checker.getIndexTypeOfType(member, ts.IndexKind.Number) ??
        this.#checker.getIndexTypeOfType(member, ts.IndexKind.String);
      if (found) return found;
    }
    throw new Error(`no values in ${this.#checker.typeToString(type)}`);
  }

  of(type: ts.Type, key: string): { readonly text: string; readonly example?: string } {
    const symbol = this.#property(type, key);
    const text = ts
      .displayPartsToString(symbol.getDocumentationComment(this.#checker))
      .replaceAll(/\s+/g, " ")
      .trim();
    const tag = symbol.getJsDocTags(this.#checker).find(({ name }) => name === "example");
    return { text, example: tag && ts.displayPartsToString(tag.text).trim() };
  }
}

/** Every key of the configuration, in the order of the schemas. */
export function makeReference(): Entry[] {
  const comments = new Comments();
  const entries: Entry[] = [];
  const missing: string[] = [];
  /** How many choices there are at a path. */
  const allOf = new Map<string, number>();
  const seen = new Map<z.ZodType, string>();
  /** Choices by their names: the same one elsewhere is only referred to. */
  const choices: [names: readonly string[], key: string][] = [];

  function add(entry: Entry, of: string | undefined): void {
    const { of: _, ...own } = entry;
    const same = entries.find(({ of: __, ...other }) => {
      return JSON.stringify(other) === JSON.stringify(own);
    });
    if (same && of !== undefined) {
      if (!same.of?.includes(of)) same.of?.push(of);
    } else if (!same)
      entries.push(Object.assign({ key: own.key }, of !== undefined && { of: [of] }, own));
  }

  /** Where this schema was described already, such as a duration's. */
  function before(schema: z.ZodType, key: string): string | undefined {
    const union = discriminated(schema);
    const isWhole = union !== undefined || hasKeys(schema);
    if (!isWhole) return undefined;
    const names = union && namesOf(union);
    const found = names
      ? choices.find(([all]) => names.every((name) => all.includes(name)))?.[1]
      : seen.get(schema);
    if (found === undefined && names) choices.push([names, key]);
    else if (found === undefined) seen.set(schema, key);
    return found === key ? undefined : found;
  }

  function walkKey(
    key: string,
    schema: z.ZodType,
    type: ts.Type,
    place: string,
    of?: string,
  ): void {
    const path = place === "" ? key : `${place}.${key}`;
    const { text, example: told } = comments.of(type, key);
    if (text === "") missing.push(of === undefined ? path : `${path} (${of})`);
    const [, meaning, stated] = /^(.*?)\s*(?:Default: (.*?)\.?)?$/s.exec(text)!;
    const preset =
      schema instanceof z.ZodDefault ? JSON.stringify(schema.def.defaultValue) : undefined;
    if (preset !== undefined && stated !== undefined) {
      throw new Error(`${path}: the comment and the schema both have a default`);
    }
    const known = before(bare(schema), path);
    const example = told ?? exampleOf(schema, preset ?? stated);
    if (told !== undefined && !schema.safeParse(parseExample(told)).success) {
      throw new Error(`${path}: the example ${told} does not fit`);
    }
    const isRequired = !schema.safeParse(undefined).success;
    add(
      {
        key: path,
        type: known === undefined ? describeType(schema) : `as \`${known}\``,
        ...(isRequired && { required: true }),
        ...((preset ?? stated) !== undefined && { default: preset ?? stated }),
        meaning: meaning === "" ? (stated === undefined ? "" : "See the default.") : meaning,
        ...(example !== undefined && { example }),
      },
      of,
    );
    if (known === undefined) descend(bare(schema), comments.child(type, key), path, of);
  }

  function descend(schema: z.ZodType, type: ts.Type, path: string, of?: string): void {
    const union = discriminated(schema);
    if (union) {
      const key = union.def.discriminator;
      const names = namesOf(union);
      const usual = (union.options as z.ZodObject[]).find(({ shape }) => {
        return shape[key] instanceof z.ZodDefault;
      });
      const [preset] = usual ? literalsOf(usual, key) : [];
      add(
        {
          key: `${path}.${key}`,
          type: joined(names),
          ...(preset === undefined
            ? { required: true as const }
            : { default: JSON.stringify(preset) }),
          meaning: "Which one.",
          example: JSON.stringify(names[0]),
        },
        of,
      );
      allOf.set(path, names.length);
      for (const option of union.options as z.ZodObject[]) {
        const [name] = literalsOf(option, key);
        const member = comments.chosen(type, key, name);
        for (const [child, inner] of Object.entries(option.shape)) {
          if (child !== key) walkKey(child, inner as z.ZodType, member, path, name);
        }
      }
    } else if (schema instanceof z.ZodObject) {
      for (const [child, inner] of Object.entries(schema.shape)) {
        walkKey(child, inner as z.ZodType, type, path, of);
      }
    } else if (schema instanceof z.ZodUnion) {
      for (const option of schema.options as z.ZodType[]) {
        const inner = bare(option);
        if (hasKeys(inner) && before(inner, path) === undefined) descend(inner, type, path, of);
      }
    } else if (schema instanceof z.ZodRecord) {
      const inner = bare(schema.valueType as z.ZodType);
      if (hasKeys(inner)) descend(inner, comments.values(type), `${path}.NAME`, of);
    } else if (schema instanceof z.ZodArray) {
      const inner = bare(schema.element as z.ZodType);
      if (hasKeys(inner) && before(inner, path) === undefined) {
        descend(inner, comments.values(type), `${path}.N`, of);
      }
    }
  }

  descend(configSchema(), comments.root, "");
  if (missing.length > 0) throw new Error(`no comment on ${missing.join(", ")}`);
  for (const entry of entries) {
    const choice = [...allOf.keys()].findLast((path) => entry.key.startsWith(`${path}.`));
    if (choice !== undefined && entry.of?.length === allOf.get(choice)) delete entry.of;
  }
  return entries;
}

const namesOf = (union: z.ZodDiscriminatedUnion): string[] =>
  union.options.flatMap((option) => literalsOf(option as z.ZodType, union.def.discriminator));

/** Whether a schema has keys somewhere inside. */
const hasKeys = (schema: z.ZodType): boolean =>
  schema instanceof z.ZodObject ||
  (schema instanceof z.ZodUnion &&
    (schema.options as z.ZodType[]).some((one) => hasKeys(bare(one)))) ||
  (schema instanceof z.ZodArray && hasKeys(bare(schema.element as z.ZodType)));

/** An example as a program has it: JSON, or an object whose keys have no quotes. */
function parseExample(text: string): unknown {
  return JSON.parse(text.replaceAll(/([{,]\s*)(\w+):/g, '$1"$2":')) as unknown;
}

/** The module that the program reads. */
export const moduleOf = (entries: readonly Entry[]): Promise<string> =>
  format(
    `/** @file The configuration reference, written by \`node scripts/reference.ts\` from the schemas and their comments. */

import type { ReferenceEntry } from "./reference-entry.ts";

/** Every key of a configuration, in the order of the schemas. */
export const REFERENCE: readonly ReferenceEntry[] = ${JSON.stringify(entries)};`,
    { parser: "typescript", printWidth: 100 },
  );

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

/** The page. */
export function pageOf(entries: readonly Entry[]): Promise<string> {
  const sections = new Map<string, Entry[]>();
  for (const entry of entries) {
    const [first] = entry.key.split(".");
    sections.set(first, [...(sections.get(first) ?? []), entry]);
  }
  const row = ({ key, of, type, required, default: preset, meaning, example }: Entry): string => {
    const code = (text: string): string => `\`${cell(text)}\``;
    const cells = [
      code(key) + (of ? `<br>of ${of.join(", ")}` : ""),
      cell(type),
      required ? "required" : preset === undefined ? "" : cell(preset),
      cell(meaning),
      example === undefined ? "" : code(example),
    ];
    return `| ${cells.join(" | ")} |`;
  };
  const parts = [...sections].map(
    ([name, some]) => `## ${name}

| key | type | default | meaning | example |
| --- | --- | --- | --- | --- |
${some.map(row).join("\n")}`,
  );
  return format(
    `# Configuration reference

Every key of a training configuration. \`node scripts/reference.ts\` writes this page from the schemas and the comments on their
keys, and a test holds it up to date. \`ocelli config KEY\` shows the same in a terminal; \`ocelli config --schema\` prints a JSON
schema, by which an editor checks and completes a configuration in JSON.

On the command line a key is given as \`--KEY VALUE\`; the end of a key is enough where no other ends so: \`--lr 1e-3\` is
\`--optimizer.lr 1e-3\`. NAME stands for a name of your choice and N for a place in a list; in them, keys have the name or the place.

${parts.join("\n\n")}
`,
    { parser: "markdown", printWidth: 128 },
  );
}

if (import.meta.main) {
  const entries = makeReference();
  writeFileSync("src/config/reference.ts", await moduleOf(entries));
  writeFileSync("docs/configuration.md", await pageOf(entries));
  console.log(`${entries.length} keys`);
}
