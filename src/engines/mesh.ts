/** @file Meshes of devices by named axes, and how arrays are cut over them. */

import { OcelliError, unknownName } from "../errors.ts";
import { type Shape, sizeOf } from "../graph/dtype.ts";
import type { Sharding } from "../graph/index.ts";

/** Devices along named axes; the last axis changes fastest. */
export type Mesh = Readonly<Record<string, number>>;

/** A sharding with an entry for every axis: the mesh axes that it is split over. */
export type Placement = readonly (readonly string[])[];

/**
 * The mesh that a text such as `data=4,model=2` means; an error for anything else.
 *
 * @example
 * parseMesh("data=4,model=2"); // { data: 4, model: 2 }
 */
export function parseMesh(text: string): Mesh {
  const mesh: Record<string, number> = {};
  for (const part of text.split(",")) {
    const match = /^\s*([a-z]\w*)\s*=\s*([1-9]\d*)\s*$/i.exec(part);
    if (!match || Object.hasOwn(mesh, match[1])) {
      const why = match ? `the axis ${match[1]} comes twice` : `"${part.trim()}" is no axis`;
      throw new OcelliError("argument", `the mesh "${text}": ${why}.`, {
        hint: "Valid: names with a number of devices each, such as data=4,model=2.",
      });
    }
    mesh[match[1]] = Number(match[2]);
  }
  return mesh;
}

/** `data=4,model=2`. */
export const showMesh = (mesh: Mesh): string =>
  Object.entries(mesh)
    .map(([axis, size]) => `${axis}=${size}`)
    .join(",");

/** How many devices a mesh has. */
export const meshSize = (mesh: Mesh): number => Object.values(mesh).reduce((a, b) => a * b, 1);

/** `[data, ·]`: a placement for messages. */
export const showPlacement = (placement: Placement): string =>
  `[${placement.map((axes) => axes.join("+") || "·").join(", ")}]`;

/** Whether two placements are the same. */
export const samePlacement = (a: Placement, b: Placement): boolean =>
  showPlacement(a) === showPlacement(b);

/** Into how many parts an axis is cut. */
const partsOf = (mesh: Mesh, axes: readonly string[]): number =>
  axes.reduce((parts, axis) => parts * mesh[axis], 1);

/** A sharding of a shape over a mesh, checked: its axes exist, are used once, and divide the extents. */
export function placeSharding(
  mesh: Mesh,
  shape: Shape,
  sharding: Sharding | undefined,
  what: string,
): Placement {
  const placement = shape.map((_, i) => [sharding?.[i] ?? []].flat());
  const fail = (why: string): never => {
    const array = `[${shape.join(",")}]`;
    throw new OcelliError("argument", `${what} ${array} over the mesh ${showMesh(mesh)}: ${why}.`);
  };
  if (sharding && sharding.length > shape.length) fail(`${sharding.length} axes are named`);
  const used = placement.flat();
  for (const axis of used) {
    if (!Object.hasOwn(mesh, axis)) throw unknownName("mesh axis", axis, Object.keys(mesh));
    if (used.indexOf(axis) !== used.lastIndexOf(axis)) fail(`the mesh axis ${axis} is used twice`);
  }
  placement.forEach((axes, i) => {
    const parts = partsOf(mesh, axes);
    if (shape[i] % parts !== 0) fail(`${shape[i]} does not divide into ${parts} parts`);
  });
  return placement;
}

/** The shape of one device's part. */
export const shardShape = (mesh: Mesh, shape: Shape, placement: Placement): Shape =>
  shape.map((extent, i) => extent / partsOf(mesh, placement[i]));

/** Where a device's part begins in the whole. */
export function shardStart(
  mesh: Mesh,
  shape: Shape,
  placement: Placement,
  device: number,
): readonly number[] {
  const at: Record<string, number> = {};
  let rest = device;
  for (const [axis, size] of Object.entries(mesh).reverse()) {
    at[axis] = rest % size;
    rest = Math.floor(rest / size);
  }
  const part = shardShape(mesh, shape, placement);
  return placement.map(
    (axes, i) => part[i] * axes.reduce((k, axis) => k * mesh[axis] + at[axis], 0),
  );
}

/**
 * The rows of a batch that lie on some of a mesh's devices, where it is split along its first axis over `axis`: from the
 * first to the last, those between them included.
 */
export function rowsAt(
  mesh: Mesh,
  batchSize: number,
  axis: string,
  places: readonly number[],
): { first: number; count: number } {
  const placement = [[axis]];
  const firsts = places.map((place) => shardStart(mesh, [batchSize], placement, place)[0]);
  const first = Math.min(...firsts);
  return { first, count: Math.max(...firsts) + batchSize / mesh[axis] - first };
}

/** Batches are split along their first axis over the mesh axis `data`; copied to every device where there is none. */
export function shardBatch(mesh: Mesh | undefined, batchSize: number): Sharding | undefined {
  if (!mesh || !Object.hasOwn(mesh, "data")) return undefined;
  if (batchSize % mesh.data === 0) return ["data"];
  throw new OcelliError(
    "config",
    `a batch of ${batchSize} does not divide over the mesh ${showMesh(mesh)}.`,
    { hint: `Take a batchSize that is a multiple of ${mesh.data}.` },
  );
}

/** A typed array of any kind. */
type Elements = {
  set(source: never, at: number): void;
  subarray(from: number, to: number): unknown;
};

/** Copies one part out of a whole array ("cut") or back into it ("paste"). */
export function copyPart(
  way: "cut" | "paste",
  whole: { readonly shape: Shape; readonly data: ArrayBufferView },
  start: readonly number[],
  part: { readonly shape: Shape; readonly data: ArrayBufferView },
): void {
  const [all, some] = [whole.data, part.data] as unknown as [Elements, Elements];
  const last = part.shape.findLastIndex((extent, i) => extent !== whole.shape[i]);
  const inner = sizeOf(whole.shape.slice(last + 1));
  const run = last < 0 ? inner : part.shape[last] * inner;
  if (run === 0) return;
  const index = part.shape.slice(0, Math.max(last, 0)).map(() => 0);
  for (let to = 0; to < sizeOf(part.shape); to += run) {
    const place = whole.shape.slice(0, last + 1).reduce((at, extent, i) => {
      return at * extent + start[i] + (index[i] ?? 0);
    }, 0);
    const from = place * inner;
    if (way === "cut") some.set(all.subarray(from, from + run) as never, to);
    else all.set(some.subarray(to, to + run) as never, from);
    for (let i = index.length - 1; i >= 0 && ++index[i] === part.shape[i]; i--) index[i] = 0;
  }
}
