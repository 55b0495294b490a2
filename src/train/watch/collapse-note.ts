/** @file The note of a training whose features collapse, so that all pictures are described alike. */

import type { Values } from "../../served/pass.ts";

/** Below this, features or outputs differ so little that nothing can be told apart by them; 1 is even, 0 is one point. */
const LEAST_DEVIATION = 0.05;
/** Below this, outputs lie on a line: all of them on one or the other side of their mean. */
const LEAST_RANK = 1.25;
/** How many steps in a row show it, before it is said. */
const STEPS = 20;

/** What has collapsed, in words; undefined where nothing has. */
function collapsed({ featureDeviation, outputDeviation, outputRank }: Values): string | undefined {
  if (featureDeviation < LEAST_DEVIATION) return `features: ${deviates(featureDeviation)}`;
  if (outputDeviation < LEAST_DEVIATION) return `outputs: ${deviates(outputDeviation)}`;
  if (outputRank < LEAST_RANK) {
    return `outputs: their rank is ${outputRank.toFixed(2)}, and 1 is a line`;
  }
  return undefined;
}

const deviates = (deviation: number): string =>
  `their deviation is ${deviation.toFixed(3)} where 1 is even and 0 is one point`;

/**
 * Watches the metrics `featureDeviation`, `outputDeviation` and `outputRank` of steps, and says once where one stays low; a run
 * that resumes begins to count anew.
 */
export function collapseNote({
  line,
}: {
  line(text: string): void;
}): (step: number, values: Values) => void {
  let [low, said] = [0, false];
  return (step, values) => {
    const what = collapsed(values);
    low = what === undefined ? 0 : low + 1;
    if (said || what === undefined || low < STEPS) return;
    said = true;
    line(
      `collapsed at step ${step}, ${what}. ` +
        "Try a smaller learning rate, a larger batch, or a teacher that follows more slowly.",
    );
  };
}
