/** @file Which of several settings is taken, from how each did on examples that it did not learn from. */

/** How a setting did. */
interface Judged {
  /** From 0 to 1. */
  readonly accuracy: number;
  readonly loss: number;
}

/** The standard error of an accuracy that was measured on so many examples. */
export const accuracyError = (accuracy: number, examples: number): number =>
  Math.sqrt((accuracy * (1 - accuracy)) / examples);

/**
 * The place of the setting with the least loss among those whose accuracy lies within one standard error of the best: a
 * few examples cannot tell their accuracies apart, and an accuracy alone does not see how wrong the probabilities are.
 * Of equals the first.
 *
 * @param examples how many examples the settings were judged on
 * @see Breiman et al. 1984, "Classification and Regression Trees", section 3.4.3 (the one-standard-error rule)
 */
export function chooseBest(judged: readonly Judged[], examples: number): number {
  const best = Math.max(...judged.map(({ accuracy }) => accuracy));
  const enough = best - accuracyError(best, examples);
  return judged.reduce((chosen, one, i) => {
    if (one.accuracy < enough) return chosen;
    return chosen < 0 || one.loss < judged[chosen].loss ? i : chosen;
  }, -1);
}
