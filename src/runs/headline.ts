/** @file Which evaluation a run is known by: the first of the configuration that has a value, whenever each was made. */

type Values = Readonly<Record<string, number>>;

/** Values of evaluations in the order of the configuration's names; those that it does not name come last. */
export function inOrder<T extends Values>(
  evals: Readonly<Record<string, T>>,
  names: readonly string[],
): Record<string, T> {
  const known = names.filter((name) => Object.hasOwn(evals, name));
  const all = [...new Set([...known, ...Object.keys(evals)])];
  return Object.fromEntries(all.map((name) => [name, evals[name]]));
}

/** The first evaluation that has a value, of evaluations in the configuration's order; undefined where none has. */
export function firstWith<T extends Values>(
  evals: Readonly<Record<string, T>>,
  value: string,
): { readonly name: string; readonly values: T } | undefined {
  const found = Object.entries(evals).find(([, values]) => values[value] !== undefined);
  return found && { name: found[0], values: found[1] };
}

/**
 * A value by its name: that of the first evaluation that has it, or of the evaluation NAME as `NAME/VALUE`; with the
 * loss of the same evaluation. Undefined where there is none.
 */
export function measuredBy(
  evals: Readonly<Record<string, Values>>,
  metric: string,
): { readonly value: number; readonly loss: number | undefined } | undefined {
  const slash = metric.indexOf("/");
  const [of, name] = [metric.slice(0, Math.max(0, slash)), metric.slice(slash + 1)];
  const values = Object.hasOwn(evals, of) ? evals[of] : firstWith(evals, metric)?.values;
  const value = values?.[Object.hasOwn(evals, of) ? name : metric];
  return value === undefined ? undefined : { value, loss: values?.loss };
}
