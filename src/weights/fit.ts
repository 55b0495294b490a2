/** @file From a file's arrays to a model's: names by a layout's table, axes turned, positions resized, heads as asked. */

import { type HostArray, type Spec, hostArray, isFloat, toNumbers } from "../graph/index.ts";
import { OcelliError } from "../errors.ts";
import { resamplePosemb } from "../models/index.ts";
import type { ModelSpecs } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { splitRows, turn } from "./axes.ts";
import { LAYOUTS, renamingOf } from "./layouts.ts";
import { matchArrays } from "./match.ts";
import { restack } from "./stack.ts";

type Named = Readonly<Record<string, HostArray>>;

/** Options of {@link fitWeights}. */
export interface FitOptions {
  /** Whether the classifier is taken from the file, or left to the model's initialisation; "keep" unless given. */
  readonly head?: "keep" | "drop";
  /** Rows and columns of the model's patches; square unless given. */
  readonly grid?: readonly [number, number];
}

/** A model's arrays by flat name. */
export interface FittedWeights {
  readonly params: Named;
  readonly variables: Named;
  /** Parameters that the file does not give (a dropped head): to be initialised. */
  readonly fresh: readonly string[];
  /** Names of the file that were left out: a dropped head, counters. */
  readonly left: readonly string[];
  /** How the file's names were understood. */
  readonly layout: string;
}

const POSITIONS = "pos_embedding";
const isHead = (name: string): boolean => /^head\//.test(name);
/** What files hold beside a model's arrays: batch counters, and buffers that are computed anew. */
const IGNORED = /(^|\.)(num_batches_tracked|position_ids)$|^(opt|state)\//;

/**
 * The arrays of a file as a model has them.
 *
 * @param what the file, for errors
 * @throws a shape error that lists both sides wherever names or shapes differ
 */
export function fitWeights(
  what: string,
  arrays: Named,
  specs: ModelSpecs,
  { head = "keep", grid }: FitOptions = {},
): FittedWeights {
  const params = toFlat<Spec>(specs.params);
  const variables = toFlat<Spec>(specs.variables);
  const expected = { ...params, ...variables };
  const { layout, renamed: given, ignored } = rename(arrays, expected);
  const renamed = restack(given, expected);
  foldClassPosition(renamed, expected);
  const left = [...ignored];
  for (const name of Object.keys(renamed)) {
    if (isHead(name) && (head === "drop" || !hasHead(expected))) {
      delete renamed[name];
      left.push(name);
    }
  }
  const fresh = head === "drop" ? Object.keys(params).filter(isHead) : [];
  const wanted = Object.fromEntries(
    Object.entries(expected).filter(([name]) => !fresh.includes(name)),
  );
  const shaped = Object.fromEntries(
    Object.entries(renamed).map(([name, array]) => [
      name,
      shapeTo(name, array, wanted[name], grid),
    ]),
  );
  const matched = matchArrays(what, wanted, shaped);
  const pick = (names: Readonly<Record<string, Spec>>): Named =>
    Object.fromEntries(Object.entries(matched).filter(([name]) => Object.hasOwn(names, name)));
  return { params: pick(params), variables: pick(variables), fresh, left, layout };
}

const hasHead = (specs: Readonly<Record<string, Spec>>): boolean => Object.keys(specs).some(isHead);

/** The arrays under our names and in our axes, as far as the layout's table knows them. */
function rename(arrays: Named, expected: Readonly<Record<string, Spec>>) {
  const names = Object.keys(arrays);
  const layout = LAYOUTS.find(({ mark }) => names.some((name) => mark.test(name)));
  const renamed: Record<string, HostArray> = {};
  const ignored: string[] = [];
  const put = (name: string, array: HostArray): void => {
    if (Object.hasOwn(renamed, name)) {
      throw new OcelliError("format", `two arrays of the file stand for ${name}.`);
    }
    renamed[name] = array;
  };
  const renaming = layout ? renamingOf(layout) : undefined;
  for (const [name, array] of Object.entries(arrays)) {
    if (IGNORED.test(name)) {
      ignored.push(name);
      continue;
    }
    if (!renaming) {
      put(
        name.replace(/^(params|variables)\//, "").replace(/^Transformer\/posembed_input\//, ""),
        toFloat(array),
      );
      continue;
    }
    const ours = renaming(name);
    if (!ours) put(name, array);
    else {
      splitRows(toFloat(array), ours.length).forEach((part, i) =>
        put(ours[i], turn(ours[i], part, expected[ours[i]])),
      );
    }
  }
  return { layout: layout?.name ?? "Ocelli and big_vision", renamed, ignored };
}

/** Half floats and doubles as float32: the dtype of parameters. */
function toFloat(array: HostArray): HostArray {
  if (array.dtype === "float32" || !isFloat(array.dtype)) return array;
  return hostArray(array.shape, "float32", Float32Array.from(toNumbers(array)));
}

/**
 * Other libraries add a position to the class token too: that is added to our class token once. Without a class token
 * in the model both are dropped, as for a model that averages.
 */
function foldClassPosition(
  arrays: Record<string, HostArray>,
  expected: Readonly<Record<string, Spec>>,
): void {
  const { [POSITIONS]: positions, cls } = arrays;
  if (!positions || !cls || positions.shape.length !== 3) return;
  const [lead, count, width] = positions.shape;
  if (lead !== 1 || cls.data.length !== width || !isSquare(count - 1) || isSquare(count)) return;
  const place = positions.data.subarray(0, width) as Float32Array;
  arrays["cls"] = hostArray(
    cls.shape,
    "float32",
    Float32Array.from(cls.data as Float32Array, (value, i) => value + place[i]),
  );
  arrays[POSITIONS] = hostArray(
    [1, count - 1, width],
    "float32",
    positions.data.slice(width) as Float32Array,
  );
  if (!Object.hasOwn(expected, "cls")) delete arrays["cls"];
}

const isSquare = (n: number): boolean => Number.isInteger(Math.sqrt(n));

/** Positions for the model's grid; every other array as it is. */
function shapeTo(
  name: string,
  array: HostArray,
  spec: Spec | undefined,
  grid: readonly [number, number] | undefined,
): HostArray {
  if (name !== POSITIONS || !spec) return array;
  const { shape } = array;
  const given = shape.length === 2 ? { ...array, shape: [1, ...shape] } : array; // [1, count, width]
  if (given.shape.length !== 3) return array;
  const [, count, width] = spec.shape;
  const side = Math.sqrt(count);
  const [rows, columns] = grid ?? [side, side];
  const fits = Number.isInteger(rows) && rows * columns === count && given.shape[2] === width;
  return fits && isSquare(given.shape[1]) ? resamplePosemb(given, [rows, columns]) : given;
}
