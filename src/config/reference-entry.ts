/** @file What the configuration reference says of a key. */

/** A key of a configuration. */
export interface ReferenceEntry {
  /** The path, such as `optimizer.lr`; NAME stands for a free name, N for a place in a list. */
  readonly key: string;
  /** The choices that have it, such as the models; all where absent. */
  readonly of?: readonly string[];
  readonly type: string;
  readonly required?: true;
  /** In words, or as JSON. */
  readonly default?: string;
  readonly meaning: string;
  readonly example?: string;
}
