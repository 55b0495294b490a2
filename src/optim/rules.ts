/** @file Rules by regular expressions over parameter names, for freezing, decay and learning rates. */

import { OcelliError } from "../errors.ts";
import type { Shape } from "../graph/index.ts";

/** A value for the parameters whose whole name a pattern matches; the first rule that matches counts. */
export type Rule<T> = readonly [pattern: string, value: T];

/** The rules as a function of a name; undefined where none matches. */
export function compileRules<T>(rules: readonly Rule<T>[]): (name: string) => T | undefined {
  const compiled = rules.map(([pattern, value]) => ({ test: fullMatch(pattern), value }));
  return (name) => compiled.find(({ test }) => test.test(name))?.value;
}

function fullMatch(pattern: string): RegExp {
  if (pattern.startsWith("/")) {
    throw new OcelliError(
      "config",
      `the pattern "${pattern}" never matches: parameter names do not start with "/".`,
    );
  }
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch (cause) {
    throw new OcelliError("config", `"${pattern}" is not a regular expression.`, { cause });
  }
}

/** The prefix of `stacked` that a parameter lies under, where its layers lie stacked along its first axis. */
export const stackOf = (name: string, stacked: readonly string[]): string | undefined =>
  stacked.find((prefix) => name.startsWith(`${prefix}/`));

/**
 * The names that rules see of a parameter: its own, or for a stack under one of the `stacked` prefixes the name of
 * each layer (`Transformer/encoderblock/…` of 12 layers is `Transformer/encoderblock_0/…` to `…_11/…`).
 */
export function layerNames(name: string, shape: Shape, stacked: readonly string[]): string[] {
  const prefix = stackOf(name, stacked);
  if (prefix === undefined) return [name];
  const rest = name.slice(prefix.length);
  return Array.from({ length: shape[0] }, (_, i) => `${prefix}_${i}${rest}`);
}
