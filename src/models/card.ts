/** @file The card of a trained model: all that is needed beside its arrays to build it again and to use it. */

/** A task with its options, by name. */
export type TaskChoice = { readonly name: string } & Readonly<Record<string, unknown>>;

/** What a trained model is, beside its arrays. */
export interface ModelCard {
  /** The model's name and options, as in a configuration. */
  readonly model: { readonly name: string } & Readonly<Record<string, unknown>>;
  /** What it was trained for, and what decides how its output becomes an answer. */
  readonly task: TaskChoice;
  /** What the numbers of a field stand for, such as the classes of `label`. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** The evaluation preprocessing. A file that does not name the background of transparent images has a black one. */
  readonly preprocessing: string;
  /** Shape of one preprocessed image: [height, width, channels]. */
  readonly imageShape: readonly number[];
  /** Steps trained. */
  readonly step: number;
}
