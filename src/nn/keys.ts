/** @file Random keys by name: every parameter and every use of randomness has a stream of its own. */

import {
  type Tensor,
  broadcastTo,
  constant,
  fromNumbers,
  indexAxis,
  stack,
} from "../graph/index.ts";
import { threefry2x32 } from "../graph/ops/random.ts";

/** Where in a model something is: its name, and what its random stream is called. */
export interface Place {
  /** The path parts joined by "/", layer index included: `Transformer/encoderblock_3/MlpBlock_0`. */
  readonly name: string;
  /** The name without the layer's index: the same for all layers of a stack, scanned or not. */
  readonly stream: string;
  /** One more than the layer's index, 0 outside of a stack; a uint32 scalar inside of a scan. */
  readonly layer: number | Tensor;
}

/** The root of a model. */
export const ROOT: Place = { name: "", stream: "", layer: 0 };

const join = (path: string, name: string): string => (path === "" ? name : `${path}/${name}`);

/** The place of a child; an index makes it one layer of a stack. */
export function child({ name, stream, layer }: Place, part: string, index?: number): Place {
  if (index === undefined) return { name: join(name, part), stream: join(stream, part), layer };
  const full = `${part}_${index}`;
  return layer === 0
    ? { name: join(name, full), stream: join(stream, part), layer: index + 1 }
    : { name: join(name, full), stream: join(stream, full), layer };
}

/** The 32-bit FNV-1a hash of a name. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}

/** The key of one place, from the model's key. */
export function placeKey(key: Tensor, { stream, layer }: Place): Tensor {
  const word = (value: number): Tensor => constant(fromNumbers([value], [], "uint32"));
  const index = typeof layer === "number" ? word(layer) : layer;
  return stack(
    threefry2x32(indexAxis(key, 0, 0), indexAxis(key, 0, 1), word(hashName(stream)), index),
  );
}

/** The keys of many places at once, [n, 2]. */
export function placeKeys(
  key: Tensor,
  places: readonly { stream: string; layer: number }[],
): Tensor {
  const n = places.length;
  const words = (values: number[]): Tensor => constant(fromNumbers(values, [n], "uint32"));
  const half = (i: number): Tensor => broadcastTo(indexAxis(key, 0, i), [n]);
  const streams = words(places.map(({ stream }) => hashName(stream)));
  const layers = words(places.map(({ layer }) => layer));
  return stack(threefry2x32(half(0), half(1), streams, layers), 1);
}
