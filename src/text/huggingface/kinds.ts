/** @file What the parts of a `tokenizer.json` are. */

/** Changes a text before it is cut. */
export type Normalizer = (text: string) => string;

/** The ids of a word's pieces. */
export type WordModel = (word: string) => readonly number[];
