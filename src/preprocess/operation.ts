/** @file What the preprocessing language works on, and what an operation is. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Random } from "./random.ts";

/** One example, or one batch with a leading batch axis: arrays by name, such as `image` and `label`. */
export type Features = Readonly<Record<string, HostArray>>;

/** A batch on the device, as traced functions see it. */
export type DeviceFeatures = Readonly<Record<string, Tensor>>;

/** An operation with its arguments bound. */
type Operation =
  | { readonly host: (example: Features, random: Random) => Features }
  | { readonly device: (batch: DeviceFeatures) => DeviceFeatures };

/** An operation of the language. */
export interface OperationKind {
  /** Parameters in order with their defaults; undefined is required. */
  readonly parameters: Readonly<Record<string, number | undefined>>;
  /** Binds the arguments; refuses values that make no sense. */
  bind(args: Readonly<Record<string, number>>): Operation;
}

/** An error in a preprocessing text. */
export const preprocessingError = (problem: string): OcelliError =>
  new OcelliError("config", `preprocessing: ${problem}`);
