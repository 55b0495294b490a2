/** @file Labels as a survey counts them. */

import { type Tally, extent } from "../tally.ts";

/** Classes: one of each example, or several. */
export function classTally(names: readonly string[]): Tally {
  const counts = names.map(() => 0);
  const applied = extent();
  let without = 0;
  let isList = false;
  return {
    add({ shape, data }) {
      if (shape.length === 0) {
        const k = Number(data[0]);
        if (k in counts) counts[k]++;
        else without++;
        return;
      }
      isList = true;
      let several = 0;
      data.forEach((applies, k) => {
        if (Number(applies) <= 0) return;
        counts[k]++;
        several++;
      });
      applied.add(several);
      if (several === 0) without++;
    },
    facts: () => ({
      counts: Object.fromEntries(names.map((name, k) => [name, counts[k]])),
      facts: {
        ...(isList && { "classes an example": applied.show("classes") }),
        ...(without > 0 && { "without a class": without }),
      },
    }),
  };
}
