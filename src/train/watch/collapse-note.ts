/** @file The note of a training whose features collapse, so that all pictures are described alike. */

import type { Values } from "../../served/pass.ts";

/** Below this, features differ so little that nothing can be told apart by them; 1 is even, 0 is one point. */
const LEAST_DEVIATION = 0.05;
/** How many steps in a row show it, before it is said. */
const STEPS = 20;

/** Watches the metric `featureDeviation` of steps, and says once where it stays low; a run that resumes begins to count anew. */
export function collapseNote({
  line,
}: {
  line(text: string): void;
}): (step: number, values: Values) => void {
  let [low, said] = [0, false];
  return (step, { featureDeviation: deviation }) => {
    low = deviation !== undefined && deviation < LEAST_DEVIATION ? low + 1 : 0;
    if (said || low < STEPS) return;
    said = true;
    line(
      `features have collapsed at step ${step}: their deviation is ${deviation.toFixed(3)} where 1 is even and 0 is one ` +
        "point. Try a smaller learning rate, a larger batch, or a teacher that follows more slowly.",
    );
  };
}
