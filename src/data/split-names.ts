/** @file The names that splits go by. */

const NAMES = new Map(
  Object.entries({
    train: ["train", "training"],
    validation: ["validation", "val", "valid", "dev"],
    test: ["test", "testing"],
  }).flatMap(([split, names]) => names.map((name) => [name, split] as const)),
);

/** `train`, `validation` or `test` where a name is another word for it (`val`, `Training`). */
export const usualSplit = (name: string): string | undefined => NAMES.get(name.toLowerCase());

/** The split that a file's name speaks of: `train-00001-of-00005.parquet`, `cifar_test.tar`. */
export function splitOfFile(name: string): string | undefined {
  return name
    .split(/[-_.\s]/)
    .map(usualSplit)
    .find((split) => split !== undefined);
}

/** The one of `splits` that a name means: itself, or another word for it. */
export function findSplit(splits: readonly string[], name: string): string | undefined {
  if (splits.includes(name)) return name;
  const usual = usualSplit(name);
  return usual && splits.find((split) => usualSplit(split) === usual);
}

/** The split that a model is judged by where nothing else is said: `test`, or else `validation`. */
export const heldOutSplit = (splits: readonly string[]): string | undefined =>
  findSplit(splits, "test") ?? findSplit(splits, "validation");
