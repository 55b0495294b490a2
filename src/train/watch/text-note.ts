/** @file The notes of a training about texts of which something is lost: those that were cut, and unknown characters. */

import type { TextCounts } from "../../served/tokenizers.ts";

/** Says what has been counted, once; nothing where nothing is lost. */
export function textNote(
  counts: TextCounts | undefined,
  length: number | undefined,
  { line }: { line(text: string): void },
): () => void {
  let said = false;
  return () => {
    if (said || !counts) return;
    said = true;
    const { read, cut, unknown } = counts;
    const some = (count: number): string => `${count} of ${read} texts`;
    if (cut > 0) line(`${some(cut)} were cut to ${length} tokens (task.tokenizer.length)`);
    if (unknown > 0) line(`${some(unknown)} have characters that the tokenizer does not know`);
  };
}
