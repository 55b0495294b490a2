/** @file Counts and lists of names, as people read them. */

export const showCount = (value: number): string => value.toLocaleString("en");

/** `1 picture`, `2 pictures` */
export const counted = (count: number, unit: string, units = `${unit}s`): string =>
  `${showCount(count)} ${count === 1 ? unit : units}`;

/** The first of some names. */
export function shorten(names: readonly string[], most = 12): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(", ")}${more > 0 ? `, … ${showCount(more)} more` : ""}`;
}
