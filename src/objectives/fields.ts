/** @file The fields of a batch that a model of several fields takes. */

/** What says which examples of a batch are real, and what is no model's input. */
const BESIDE = ["mask", "label"];

/** A batch without what is no input of a model. */
export const fieldsOf = <T>(batch: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(batch).filter(([name]) => !BESIDE.includes(name)));
