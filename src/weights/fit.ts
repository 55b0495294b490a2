/** @file From a file's arrays to a model's: names by a layout's table, axes turned, positions resized, heads as asked. */

import { type HostArray, type Spec, hostArray, isFloat, toNumbers } from "../graph/index.ts";
import { OcelliError } from "../errors.ts";
import { resamplePatchKernel, resamplePosemb } from "../models/index.ts";
import { type ModelSpecs, isAdapter } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { regroup, splitRows, turn } from "./axes.ts";
import { LAYOUTS, type Layout, type Renaming, renamingOf } from "./layouts.ts";
import { matchArrays } from "./match.ts";
import { restack } from "./stack.ts";

type Named = Readonly<Record<string, HostArray>>;

/** Options of {@link fitWeights}. */
export interface FitOptions {
  /** Whether the classifier is taken from the file, or left to the model's initialisation. Default: "keep". */
  readonly head?: "keep" | "drop";
  /** Rows and columns of the model's positions (`positionGrid`). Default: square. */
  readonly grid?: readonly [number, number];
  /** Those of the file's positions, of which the class token then has none. Default: square. */
  readonly givenGrid?: readonly [number, number];
  /** Whether a patch embedding's kernel may be resized to the model's patch, as FlexiViT's is. Default: false. */
  readonly resizesPatches?: boolean;
}

/** A model's arrays by flat name. */
export interface FittedWeights {
  readonly params: Named;
  readonly variables: Named;
  /** Parameters that the file does not give (a dropped head, adapters): to be initialised. */
  readonly fresh: readonly string[];
  /** What was resized, a line each: `pos_embedding from [1,576,768] to [1,49,768]`. */
  readonly resized: readonly string[];
  /** Names of the file that were left out: a dropped head, counters. */
  readonly left: readonly string[];
  /** How the file's names were understood. */
  readonly layout: string;
}

/** Where models keep an image tower. */
const TOWER = "(?:img/|encoder/)?";
const POSITIONS = new RegExp(`^${TOWER}pos_embedding$`);
const PATCHES = new RegExp(`^${TOWER}embedding/kernel$`);
const isHead = (name: string): boolean => /^head(_dist)?\//.test(name);
/** What files hold beside a model's arrays: batch counters, and buffers that are computed anew. */
const IGNORED = /(^|\.)(num_batches_tracked|position_ids|relative_position_index)$|^(opt|state)\//;
/**
 * What pretext tasks need beside a model: tokens for hidden patches, decoders, heads for visual tokens, and the layer that
 * transformers' `pooler_output` goes through.
 */
const PRETEXT = /^(mask_token$|decoder[./_]|lm_head\.|pre_logits\/)/;

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
  { head = "keep", ...sizes }: FitOptions = {},
): FittedWeights {
  const params = toFlat<Spec>(specs.params);
  const variables = toFlat<Spec>(specs.variables);
  const expected = { ...params, ...variables };
  const { layout, renamed: given, ignored } = rename(arrays, expected);
  const renamed = restack(given, expected);
  foldSecondPositions(renamed, expected);
  if (!sizes.givenGrid) foldClassPosition(renamed, expected);
  const left = [...ignored];
  for (const name of Object.keys(renamed)) {
    const drops = isHead(name) && (head === "drop" || !hasHead(expected));
    if (drops || (PRETEXT.test(name) && !Object.hasOwn(expected, name))) {
      delete renamed[name];
      left.push(name);
    }
  }
  const fresh = Object.keys(params).filter(
    (name) =>
      (isHead(name) && head === "drop") || (isAdapter(name) && !Object.hasOwn(renamed, name)),
  );
  const wanted = Object.fromEntries(
    Object.entries(expected).filter(([name]) => !fresh.includes(name)),
  );
  const shaped = Object.fromEntries(
    Object.entries(renamed).map(([name, array]) => [
      name,
      shapeTo(name, array, wanted[name], sizes),
    ]),
  );
  const resized = Object.entries(renamed).flatMap(([name, { shape, data }]) =>
    shaped[name].data === data ? [] : [`${name} from [${shape}] to [${shaped[name].shape}]`],
  );
  const matched = matchArrays(what, wanted, shaped);
  const pick = (names: Readonly<Record<string, Spec>>): Named =>
    Object.fromEntries(Object.entries(matched).filter(([name]) => Object.hasOwn(names, name)));
  return { params: pick(params), variables: pick(variables), fresh, resized, left, layout };
}

const hasHead = (specs: Readonly<Record<string, Spec>>): boolean => Object.keys(specs).some(isHead);

/** Where checkpoints keep parameters beside other things: ours and big_vision's, and flax's optimiser. */
const ROOTS = [/^(params|variables)\//, /^opt\/target\//];

/** A name of ours as big_vision's files have had it: the positions in the encoder. */
const ownName = (name: string): string =>
  name.replace(
    /^((?:img|encoder)\/)?Transformer\/(?:posembed_input\/)?pos_embedding$/,
    "$1pos_embedding",
  );

/**
 * How a file's names are to be understood: its parameters and variables below their root, the names beside it, and for
 * each name ours, as the layout's table knows them.
 */
export function readNames(given: Named): {
  readonly arrays: readonly (readonly [name: string, array: HostArray])[];
  readonly beside: readonly string[];
  readonly layout: Layout | undefined;
  readonly namesOf: Renaming;
} {
  const names = Object.keys(given);
  const root = ROOTS.find((one) => names.some((name) => one.test(name)));
  const beside = root ? names.filter((name) => !root.test(name)) : [];
  const arrays = names
    .filter((name) => !beside.includes(name))
    .map((name) => [root ? name.replace(root, "") : name, given[name]] as const);
  const layout = LAYOUTS.find(({ mark }) => arrays.some(([name]) => mark.test(name)));
  return { arrays, beside, layout, namesOf: layout ? renamingOf(layout) : (n) => [ownName(n)] };
}

/** The arrays under our names and in our axes. */
function rename(given: Named, expected: Readonly<Record<string, Spec>>) {
  const { arrays, beside, layout, namesOf } = readNames(given);
  const renamed: Record<string, HostArray> = {};
  const ignored = [...beside];
  const put = (name: string, array: HostArray): void => {
    if (Object.hasOwn(renamed, name)) {
      throw new OcelliError("format", `two arrays of the file stand for ${name}.`);
    }
    renamed[name] = array;
  };
  for (const [name, array] of arrays) {
    if (IGNORED.test(name)) {
      ignored.push(name);
      continue;
    }
    const ours = namesOf(name);
    if (!ours) put(name, array);
    else {
      splitRows(toFloat(array), ours.length).forEach((part, i) => {
        const [one, spec] = [ours[i], expected[ours[i]]];
        if (!layout) put(one, part);
        else put(one, layout.torch === false ? regroup(part, spec) : turn(one, part, spec));
      });
    }
  }
  return { layout: layout?.name ?? "Ocelli and big_vision", renamed, ignored };
}

/** Half floats and doubles as float32: the dtype of parameters. */
function toFloat(array: HostArray): HostArray {
  if (array.dtype === "float32" || !isFloat(array.dtype)) return array;
  return hostArray(array.shape, "float32", Float32Array.from(toNumbers(array)));
}

/** Tokens before the patches that have positions, in their order. */
const PLACED = ["cls", "dist"] as const;

/**
 * Other libraries add a position to the class token (and to that of distillation) too: that is added to our token once.
 * Without a class token in the model both are dropped, as for a model that averages.
 */
function foldClassPosition(
  arrays: Record<string, HostArray>,
  expected: Readonly<Record<string, Spec>>,
): void {
  const at = Object.keys(arrays).find((name) => POSITIONS.test(name)) ?? "";
  const { [at]: positions } = arrays;
  const placed = PLACED.map((name) => at.replace(/pos_embedding$/, name)).filter((name) =>
    Object.hasOwn(arrays, name),
  );
  if (!positions || placed.length === 0) return;
  const [lead, count, width] =
    positions.shape.length === 2 ? [1, ...positions.shape] : positions.shape;
  if (count === expected[at]?.shape[1]) return; // as the model has them
  const patches = count - placed.length;
  if (lead !== 1 || !isSquare(patches) || (placed.length === 1 && isSquare(count))) return;
  if (placed.some((name) => arrays[name].data.length !== width)) return;
  placed.forEach((name, i) => {
    const token = arrays[name];
    const place = positions.data.subarray(i * width, (i + 1) * width) as Float32Array;
    arrays[name] = hostArray(
      token.shape,
      "float32",
      Float32Array.from(token.data as Float32Array, (value, k) => value + place[k]),
    );
    if (!Object.hasOwn(expected, name)) delete arrays[name];
  });
  arrays[at] = hostArray(
    [1, patches, width],
    "float32",
    positions.data.slice(placed.length * width) as Float32Array,
  );
}

/** Old text towers of big_vision keep second positions inside the encoder: they are added to the outer ones. */
function foldSecondPositions(
  arrays: Record<string, HostArray>,
  expected: Readonly<Record<string, Spec>>,
): void {
  for (const name of Object.keys(arrays)) {
    const outer = name.replace(/(^|\/)Encoder_0\/pos_embedding$/, "$1pos_embedding");
    if (outer === name || Object.hasOwn(expected, name) || !Object.hasOwn(arrays, outer)) continue;
    const [first, second] = [arrays[outer], arrays[name]];
    if (String(first.shape) !== String(second.shape)) continue;
    const sum = toNumbers(first).map((value, i) => value + Number(second.data[i]));
    arrays[outer] = hostArray(first.shape, "float32", Float32Array.from(sum));
    delete arrays[name];
  }
}

const isSquare = (n: number): boolean => Number.isInteger(Math.sqrt(n));

/** Positions for the model's grid and, where that is asked for, patches for its kernel; every other array as it is. */
function shapeTo(
  name: string,
  array: HostArray,
  spec: Spec | undefined,
  { grid, givenGrid, resizesPatches = false }: Omit<FitOptions, "head">,
): HostArray {
  const { shape } = array;
  if (PATCHES.test(name) && spec?.shape.length === 2 && shape.length === 4) {
    return regroup(array, spec); // patches of pixels, as naflex-vit takes them
  }
  if (PATCHES.test(name) && spec && resizesPatches && shape.length === 4) {
    const [height, width, ...rest] = spec.shape;
    return String(rest) === String(shape.slice(2))
      ? resamplePatchKernel(array, [height, width])
      : array;
  }
  if (!POSITIONS.test(name) || !spec) return array;
  if (spec.shape[0] !== 1) return gridTo(array, spec);
  const given = shape.length === 2 ? { ...array, shape: [1, ...shape] } : array; // [1, count, width]
  if (given.shape.length !== 3) return array;
  const [, count, width] = spec.shape;
  const side = Math.sqrt(count);
  const [rows, columns] = grid ?? [side, side];
  const fits = Number.isInteger(rows) && rows * columns === count && given.shape[2] === width;
  if (!fits || !(givenGrid || isSquare(given.shape[1]))) return given;
  return resamplePosemb(given, [rows, columns], givenGrid);
}

/** Positions [1, n², width] as the model's own table [rows, columns, width], resized where it has another size. */
function gridTo(array: HostArray, { shape: [rows, columns, width] }: Spec): HostArray {
  const { shape } = array;
  const count = shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
  if (shape.at(-1) !== width || !isSquare(count)) return array;
  const flat = { ...array, shape: [1, count, width] };
  return { ...resamplePosemb(flat, [rows, columns]), shape: [rows, columns, width] };
}
