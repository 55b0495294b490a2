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

/** The value that a run is known by. */
export interface Headline {
  /** `NAME/VALUE` of an evaluation, such as `test/accuracy`; of training its name alone. */
  readonly metric: string;
  readonly value: number;
  readonly better: "higher" | "lower";
}

/** What a task is judged by: the name of a value. */
export type HeadlineRule = Omit<Headline, "value">;

/** What runs were judged by before they recorded it. */
export const FIRST_RULE: HeadlineRule = { metric: "accuracy", better: "higher" };

/** The last part of a metric's name: `accuracy` of `test/accuracy`. */
export const valueName = (metric: string): string => metric.slice(metric.lastIndexOf("/") + 1);

/**
 * The headline of evaluations in the configuration's order: the task's value, of the first evaluation that has it, or
 * else the first loss; undefined where there is neither.
 */
export function headlineOf<T extends Values>(
  evals: Readonly<Record<string, T>>,
  rule: HeadlineRule,
): { readonly headline: Headline; readonly evaluation: string } | undefined {
  for (const { metric, better } of [rule, { metric: "loss", better: "lower" } as const]) {
    const found = firstWith(evals, metric);
    if (!found) continue;
    const value = found.values[metric];
    return {
      headline: { metric: `${found.name}/${metric}`, value, better },
      evaluation: found.name,
    };
  }
  return undefined;
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
