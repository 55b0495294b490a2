/** @file The names that splits go by. */

const NAMES = new Map(
  Object.entries({
    train: ["train", "training", "trn"],
    validation: ["validation", "val", "valid", "validate", "dev", "development", "eval"],
    test: ["test", "testing", "tst"],
  }).flatMap(([split, names]) => names.map((name) => [name, split] as const)),
);

/** Words beside a split's own: `training_set`, `test-images`, `val2017`, `Train Data`. */
const FILLERS = /^(set|sets|split|data|dataset|image|images|img|imgs|pictures|photos|\d+)$/;

/** The words of a name, in lower case: parted by signs, capitals and digits. */
const wordsOf = (name: string): string[] =>
  name
    .normalize("NFKC")
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .replace(/(\p{L})(?=\d)|(\d)(?=\p{L})/gu, "$& ")
    .split(/[^\p{L}\d]+/u)
    .map((word) =>
      /^(train|training|val|validation|dev|test|testing)sets?$/.test(word)
        ? word.replace(/sets?$/, "")
        : word,
    )
    .filter((word) => word !== "");

/** `train`, `validation` or `test` where a name is another word for it (`val`, `Training`, `test_set`, `train2017`). */
export function usualSplit(name: string): string | undefined {
  const words = wordsOf(name).filter((word) => !FILLERS.test(word));
  return words.length === 1 ? NAMES.get(words[0]) : undefined;
}

/** Whether a name says only that there are images or data: `images`, `data`, `photos`. */
export function isFiller(name: string): boolean {
  return wordsOf(name).every((word) => FILLERS.test(word));
}

/** The split that a name speaks of: `train-00001-of-00005.parquet`, `cifar_test.tar`, `seg_train`. */
export function splitOfFile(name: string): string | undefined {
  return wordsOf(name)
    .map((word) => NAMES.get(word))
    .find((split) => split !== undefined);
}

/** The one of `splits` that a name means: itself, or another word for it. */
export function findSplit(splits: readonly string[], name: string): string | undefined {
  if (splits.includes(name)) return name;
  const usual = usualSplit(name);
  if (usual === undefined) return undefined;
  const outright = splits.find((split) => usualSplit(split) === usual);
  return outright ?? splits.find((split) => splitOfFile(split) === usual);
}

/** The split that a model is judged by where nothing else is said: `test`, or else `validation`. */
export const heldOutSplit = (splits: readonly string[]): string | undefined =>
  findSplit(splits, "test") ?? findSplit(splits, "validation");
