/** @file Short names of files, for the ids of examples inside them. */

/** The shortest ends of paths that tell the files apart, the same number of parts of each. */
export function fileIds(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split(/[\\/]/));
  const longest = Math.max(1, ...parts.map((some) => some.length));
  for (let count = 1; count < longest; count++) {
    const ids = parts.map((some) => some.slice(-count).join("/").normalize());
    if (new Set(ids).size === ids.length) return ids;
  }
  return [...paths];
}

/** An id with its split in front, where there are splits. */
export const inSplit = (split: string, id: string): string => (split ? `${split}/${id}` : id);
