/** @file The names of two streams of examples in one step: those of a second one, of images without labels, begin with `unlabelled`. */

/** The field of the second stream's images. */
const UNLABELLED = "unlabelled";
const PREFIX = `${UNLABELLED}_`;
/** Says which rows are real: in training all are. */
const MASK = "mask";

/** The second stream's fields as a step has them: `image` is `unlabelled`, another view such as `view1` `unlabelled_view1`. */
export const besideFields = <T>(fields: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => name !== MASK)
      .map(([name, value]) => [name === "image" ? UNLABELLED : PREFIX + name, value]),
  );

/** A step's fields as those of the two streams, each under the names of its own. */
export function streamsOf<T>(fields: Readonly<Record<string, T>>) {
  const own: Record<string, T> = {};
  const unlabelled: Record<string, T> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name === UNLABELLED) unlabelled.image = value;
    else if (name.startsWith(PREFIX)) unlabelled[name.slice(PREFIX.length)] = value;
    else own[name] = value;
  }
  return { own, unlabelled };
}
