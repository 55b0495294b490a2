/** @file Pictures in the files of a run folder. */

/** Whether a value is a picture as a data URL. */
export const isPicture = (value: unknown): value is string =>
  typeof value === "string" && value.startsWith("data:image/");
