/** @file Operations on texts. */

import { arrayAt, decodeTexts, encodeTexts } from "../example.ts";
import { type OperationKind, operation } from "../operation.ts";
import { byDefault, oneOf, optional, text } from "../parameters.ts";

/** Operations on texts, as UTF-8 bytes on the host. */
export const texts: Readonly<Record<string, OperationKind>> = {
  /** One of an example's texts: drawn anew each time, or the first. An image alone, such as one to be searched by, stays. */
  pick_text: operation(
    {
      which: byDefault(oneOf(["random", "first"] as const), "random"),
      key: optional(text),
    },
    ({ which, key: named }, name) => ({
      host(example, random) {
        const key = named ?? "text";
        if (named === null && !Object.hasOwn(example, key)) return example;
        const all = decodeTexts(arrayAt(example, key, name));
        const at = which === "first" || all.length === 1 ? 0 : random.integer(0, all.length);
        return { ...example, [key]: encodeTexts([all[at]]) };
      },
    }),
  ),
};
