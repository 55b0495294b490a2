/** @file One example made ready for a batch: decoded where it is a file's bytes, then through the host operations. */

import { OcelliError } from "../../errors.ts";
import type { Image } from "../../preprocess/image.ts";
import { readPngMap } from "../../formats/png.ts";
import { type Example, type Fields, arrayAt } from "../../preprocess/example.ts";
import type { Preprocessing, Wanted } from "../../preprocess/pipeline.ts";
import { seededRandom } from "../../random.ts";
import { type PictureKind, decodeAnd } from "../decode/decode.ts";
import type { Source } from "../source.ts";

/** An example as a source gives it, and what decides its random operations. */
export interface RawExample {
  readonly features: Example;
  /** Of what kind its fields are, so that maps, boxes and points move with the image. */
  readonly fields?: Fields;
  readonly key: readonly (number | string)[];
  /** What errors call it. */
  readonly id: string;
  /** An encoded image with more pixels is refused by its header. Default: what `pixelLimit` says of the file's size. */
  readonly maxPixels?: number;
}

/** An example that is ready, with what is worth a note about its image, or why that cannot be decoded. */
export type Prepared =
  { readonly features: Example; readonly kind?: PictureKind } | { readonly problem: OcelliError };

/** A prepared example after what its preprocessing does last; `key` is that of its random operations. */
export function endExample(
  prepared: Prepared,
  { last }: Preprocessing,
  key: RawExample["key"],
): Prepared {
  if (!last || !("features" in prepared)) return prepared;
  return { ...prepared, features: last(prepared.features, seededRandom(...key, "last")) };
}

/** Whether an example's image is still a file's bytes. */
export const isEncoded = ({ image }: Example): boolean =>
  image?.shape.length === 1 && image.dtype === "uint8";

/** Decodes an example's image where it must be, and runs the host operations. */
export function prepareExample(
  { features: given, fields, key, id, maxPixels }: RawExample,
  preprocessing: Preprocessing,
): Prepared | Promise<Prepared> {
  const random = seededRandom(...key);
  const features = fields ? decodeMaps(given, fields, id) : given;
  if (!isEncoded(features)) return { features: preprocessing.onHost(features, random, fields) };
  let wanted: Wanted;
  const want = (shape: Image["shape"]): Wanted => (wanted = preprocessing.want(shape, random));
  const finish = (part: Image): (() => Example) => {
    try {
      const made = wanted.finish(features, part, fields);
      return () => made;
    } catch (error) {
      return () => {
        throw error; // of the operations, not of decoding
      };
    }
  };
  let kind: PictureKind | undefined;
  const { alpha } = preprocessing;
  const notice = (found: PictureKind): void => void (kind = found);
  const options = { name: id, maxPixels, want, alpha, notice };
  return decodeAnd(arrayAt(features, "image", id).data as Uint8Array, options, finish).then(
    (made) => ({ features: made(), kind }),
    (problem: unknown) => {
      if (problem instanceof OcelliError && problem.code === "data") return { problem };
      throw problem;
    },
  );
}

/** An example whose maps are numbers; those that are still bytes are PNG files. */
const decodeMaps = (features: Example, fields: Fields, id: string): Example =>
  Object.fromEntries(
    Object.entries(features).map(([field, array]) => {
      const isFile = fields[field] === "map" && array.shape.length === 1;
      const what = `the map "${field}" of ${id}`;
      return [field, isFile ? readPngMap(array.data as Uint8Array, what) : array];
    }),
  );

/**
 * The first example of a source that can be decoded, as the host operations make it.
 *
 * @throws the problem of the first one where none of the first hundred can be decoded
 */
export async function firstExample(source: Source, preprocessing: Preprocessing): Promise<Example> {
  let first: OcelliError | undefined;
  for (let index = 0; index < Math.min(source.length, 100); index++) {
    const features = await source.read(index);
    const raw = { features, fields: source.fields, key: ["first"], id: source.id(index) };
    const prepared = endExample(await prepareExample(raw, preprocessing), preprocessing, raw.key);
    if ("features" in prepared) return prepared.features;
    first ??= prepared.problem;
  }
  throw first ?? new OcelliError("data", "there are no examples.");
}
