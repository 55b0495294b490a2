/**
 * @file Prompts of classes for zero-shot classification: names in templates, both without what pictures do not show.
 *
 * @see https://github.com/google-research/big_vision (`evaluators/proj/image_text/prompt_engineering.py`)
 */

import { OcelliError } from "../../errors.ts";
import { canonicalName } from "../../text/canonical.ts";

const PLACE = "{}";

/** Sets of templates by name: the name alone, and the seven that Radford et al. 2021 found to do best beside it. */
export const PROMPT_TEMPLATES = {
  class_name_only: [PLACE],
  clip_best: [
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
    PLACE,
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** A set of templates by name, or templates. */
export type PromptTemplates = keyof typeof PROMPT_TEMPLATES | readonly string[];

/** The templates of a set; default: the name alone. */
export const templatesOf = (chosen: PromptTemplates = "class_name_only"): readonly string[] =>
  typeof chosen === "string" ? PROMPT_TEMPLATES[chosen] : chosen;

/** How {@link classPrompts} makes prompts. */
export interface PromptOptions {
  /** Each has one `{}` for the name. Default: the name alone. */
  readonly templates?: readonly string[];
  /** Whether every name between the commas of a class makes prompts, not the first alone. Default: false. */
  readonly aliases?: boolean;
  /** Whether names and templates lose punctuation and capitals. Default: true. */
  readonly canonical?: boolean;
}

/** Prompts and the class that each is of. */
export interface ClassPrompts {
  readonly texts: readonly string[];
  readonly labels: readonly number[];
}

/**
 * The prompts of classes, class by class: each name in each template.
 *
 * @throws a data error that names a class without a name; an argument error that names a template without one `{}`
 * @example
 * classPrompts(["tench, Tinca tinca"], { templates: ["a photo of a {}."] }).texts; // ["a photo of a tench"]
 */
export function classPrompts(
  names: readonly string[],
  {
    templates = PROMPT_TEMPLATES.class_name_only,
    aliases = false,
    canonical = true,
  }: PromptOptions = {},
): ClassPrompts {
  const clean = canonical ? canonicalName : (text: string) => text.trim();
  for (const template of templates) {
    if (template.split(PLACE).length === 2) continue;
    throw new OcelliError("argument", `the template "${template}" must have one {} for the name.`, {
      given: template,
    });
  }
  const cleaned = templates.map((template) => fill(template, clean));
  const prompts = names.flatMap((name, label) => {
    const all = name
      .split(",")
      .map(clean)
      .filter((one) => one !== "");
    if (all.length === 0) {
      throw new OcelliError("data", `class ${label} ("${name}") has no name to make a prompt of.`);
    }
    const used = aliases ? all : all.slice(0, 1);
    return used.flatMap((one) => cleaned.map((make) => ({ text: make(one), label })));
  });
  return { texts: prompts.map(({ text }) => text), labels: prompts.map(({ label }) => label) };
}

/** What puts a name into a template whose own words are cleaned. */
function fill(template: string, clean: (text: string) => string): (name: string) => string {
  const [before, after] = template.split(PLACE);
  // the place is kept through the cleaning as a word that no punctuation is in
  const mark = "ocelliplace";
  const cleaned = clean(`${before}${mark}${after}`);
  return (name) => cleaned.replace(mark, () => name);
}
