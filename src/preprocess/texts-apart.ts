/** @file What a preprocessing does to texts, apart from what it does to all else. */

import { texts } from "./operations/texts.ts";
import { parseCalls, printCall } from "./parse.ts";

/**
 * The operations of a preprocessing on texts, and the others, each in their order.
 *
 * @example
 * textsApart('decode|pick_text("first")|resize(8)'); // { texts: 'pick_text("first")', others: "decode|resize(8)" }
 */
export function textsApart(text: string): { readonly texts: string; readonly others: string } {
  const calls = parseCalls(text);
  const some = (isOfTexts: boolean): string =>
    calls
      .filter(({ name }) => Object.hasOwn(texts, name) === isOfTexts)
      .map(printCall)
      .join("|");
  return { texts: some(true), others: some(false) };
}
