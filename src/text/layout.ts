/** @file From the ids of a text to a row of a fixed length. */

/** How a row is laid out. */
export interface RowLayout {
  readonly length: number;
  readonly padId: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** Whether a text that is cut, or that just fits, ends with EOS. */
  readonly isSticky: boolean;
}

/** A row as big_vision's `tokenize` makes it: BOS, ids, EOS, cut, then padded. */
export function layRow(
  ids: readonly number[],
  { length, padId, bosId, eosId, isSticky }: RowLayout,
): Int32Array {
  const row = new Int32Array(length).fill(padId);
  let at = 0;
  if (bosId !== undefined) row[at++] = bosId;
  for (let i = 0; i < ids.length && at < length; i++) row[at++] = ids[i];
  if (eosId === undefined) return row;
  if (at < length) row[at] = eosId;
  else if (isSticky) row[length - 1] = eosId;
  return row;
}

/** The ids of a row's text: without BOS, and without EOS and the padding after it. */
export function unlayRow(
  ids: readonly number[],
  { padId, bosId, eosId }: RowLayout,
): readonly number[] {
  let end = ids.length;
  while (end > 0 && ids[end - 1] === padId) end--;
  if (eosId === padId) end = Math.min(end + 1, ids.length);
  if (eosId !== undefined) end = end > 0 && ids[end - 1] === eosId ? end - 1 : ids.length;
  return ids.slice(bosId !== undefined && ids[0] === bosId ? 1 : 0, end);
}

/** Text with the letters A to Z lowered, as TensorFlow's `strings.lower` does on bytes. */
export const lowerAscii = (text: string): string =>
  text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
