/** @file The note of a training about pictures that may be lost: transparent ones, and those of one colour. */

import type { DataProblems } from "../../data/problems.ts";
import type { AlphaRule } from "../../preprocess/alpha.ts";

/** Says what has been counted so far, where that is new. */
export function pictureNote(
  problems: DataProblems | undefined,
  alpha: AlphaRule,
  { line }: { line(text: string): void },
): () => void {
  let said: string | undefined;
  return () => {
    const note = problems?.note(alpha);
    if (note !== undefined && note !== said) line(note);
    said = note;
  };
}
