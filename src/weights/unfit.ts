/** @file From a model's arrays to another library's: the names and axes of its layout, the other way round. */

import { OcelliError } from "../errors.ts";
import { type HostArray, hostArray } from "../graph/index.ts";
import { permute } from "./axes.ts";
import { LAYOUTS, type Layout, type Place, placingOf } from "./layouts.ts";
import { unstack } from "./stack.ts";

type Named = Readonly<Record<string, HostArray>>;

/** PyTorch's axes for ours: a kernel's outputs come first, and heads are one axis. */
function turnBack(name: string, array: HostArray, axes: number | undefined): HostArray {
  const { shape, dtype, data } = array;
  if (axes !== undefined) {
    const last = axes === 0 ? [] : shape.slice(shape.length - axes + 1);
    const first = data.length / last.reduce((product, extent) => product * extent, 1);
    return hostArray(axes === 0 ? [] : [first, ...last], dtype, data);
  }
  if (!/(^|\/)kernel$/.test(name)) return hostArray([data.length], dtype, data);
  if (shape.length === 4) return permute(array, [3, 2, 0, 1]);
  const outputs = name.endsWith("/out/kernel") ? shape.slice(-1) : shape.slice(1);
  const out = outputs.reduce((product, extent) => product * extent, 1);
  return permute(hostArray([data.length / out, out], dtype, data), [1, 0]);
}

/** The layout of a name; an error lists the names where there is none. */
function layoutNamed(name: string): Layout {
  const found = LAYOUTS.find((layout) => layout.name === name);
  if (found) return found;
  const valid = LAYOUTS.map((layout) => layout.name);
  throw new OcelliError("name", `unknown layout "${name}"; valid: ${valid.join(", ")}.`, {
    given: name,
    valid,
  });
}

/**
 * A model's arrays under another library's names and in its axes, as `fitWeights` reads them back.
 *
 * @param name of the layout, such as "transformers SigLIP"
 * @throws a name error that lists arrays which the layout has no place for
 */
export function unfitWeights(name: string, params: Named): Record<string, HostArray> {
  const layout = layoutNamed(name);
  const place = placingOf(layout);
  const homeless: string[] = [];
  const parts = new Map<string, HostArray[]>();
  for (const [ours, array] of Object.entries(unstack(params))) {
    const found: Place | undefined = place(ours);
    if (!found) {
      homeless.push(ours);
      continue;
    }
    const list = parts.get(found.name) ?? new Array<HostArray>(found.parts);
    const turned = turnBack(ours, array, found.axes);
    list[found.part] = /pos_embedding$/.test(ours)
      ? withClassPosition(layout, ours, turned)
      : turned;
    parts.set(found.name, list);
  }
  if (homeless.length > 0) {
    const shown = homeless.slice(0, 4).join(", ") + (homeless.length > 4 ? ", …" : "");
    throw new OcelliError("name", `the layout ${name} has no place for ${shown}.`, {
      given: homeless,
    });
  }
  return Object.fromEntries([...parts].map(([to, list]) => [to, joinRows(list)]));
}

/** Positions with one of the class token, which is 0: its own is in the token. */
function withClassPosition(
  { classPosition }: Layout,
  name: string,
  positions: HostArray,
): HostArray {
  if (!classPosition || name.startsWith("txt/")) return positions;
  const [count, width] = positions.shape;
  const data = new Float32Array((count + 1) * width);
  data.set(positions.data as Float32Array, width);
  return hostArray([count + 1, width], "float32", data);
}

/** Arrays one after the other along their first axis. */
function joinRows(list: readonly HostArray[]): HostArray {
  const [{ shape, dtype, data }] = list;
  if (list.length === 1) return list[0];
  const out = new Float32Array(list.length * data.length);
  list.forEach((array, i) => out.set(array.data as Float32Array, i * data.length));
  return hostArray([list.length * shape[0], ...shape.slice(1)], dtype, out);
}
