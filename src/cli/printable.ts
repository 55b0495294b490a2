/** @file Text that a terminal shows as it is: names come from files, and a control character in one could do anything. */

/** Control characters, and those that turn the direction of writing; line breaks and tabs apart. */
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string => {
  const code = character.charCodeAt(0);
  return code < 256
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
};

/** Lines of text, every control character in them written as an escape such as `\x1b`. */
export const printable = (text: string): string => text.replace(CONTROLS, escaped);

/** A name on one line: line breaks and tabs are escapes too. */
export const printableName = (name: string): string => printable(name).replace(/[\n\t]/g, escaped);
