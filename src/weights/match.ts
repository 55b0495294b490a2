/** @file Whether arrays from a file fit a model: names, shapes, dtypes; both sides are listed where they do not. */

import { OcelliError } from "../errors.ts";
import type { Spec } from "../graph/tensor.ts";

const SHOWN = 8;

/**
 * The arrays of a file under exactly the names that a model has; an error that lists both sides where they differ.
 *
 * @param what the file, for the message
 */
export function matchArrays<T extends Spec>(
  what: string,
  expected: Readonly<Record<string, Spec>>,
  given: Readonly<Record<string, T>>,
): Record<string, T> {
  const show = ({ dtype, shape }: Spec) => `${dtype}[${shape.join(",")}]`;
  const differences: string[] = [];
  for (const [name, spec] of Object.entries(expected)) {
    if (!Object.hasOwn(given, name)) differences.push(`${name} is missing (model: ${show(spec)})`);
    else if (show(given[name]) !== show(spec)) {
      differences.push(`${name} is ${show(given[name])} (model: ${show(spec)})`);
    }
  }
  for (const [name, array] of Object.entries(given)) {
    if (!Object.hasOwn(expected, name)) differences.push(`${name} is ${show(array)} (model: none)`);
  }
  if (differences.length > 0) {
    const more = differences.length > SHOWN ? `; and ${differences.length - SHOWN} more` : "";
    throw new OcelliError(
      "shape",
      `${what} does not fit the model: ${differences.slice(0, SHOWN).join("; ")}${more}.`,
      { given: Object.fromEntries(Object.entries(given).map(([name, a]) => [name, show(a)])) },
    );
  }
  return Object.fromEntries(Object.keys(expected).map((name) => [name, given[name]]));
}
