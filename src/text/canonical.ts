/** @file Texts and names without what pictures do not show: punctuation, capitals, extra blanks. */

const PUNCTUATION = /[!-/:-@[-`{-~]/g;

/** A text without ASCII punctuation, every run of blanks one space. */
export const canonicalText = (text: string): string =>
  text.replace(PUNCTUATION, "").replace(/\s+/g, " ").trim();

/**
 * A class name as prompts take it: lower case, `_` a space, no punctuation.
 *
 * @see https://github.com/google-research/big_vision (`evaluators/proj/image_text/prompt_engineering.py`)
 */
export const canonicalName = (name: string): string =>
  canonicalText(name.replaceAll("_", " ")).toLowerCase();
