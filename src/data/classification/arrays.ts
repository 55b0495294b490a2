/** @file Sources over whole arrays in memory. */

import { OcelliError } from "../../errors.ts";
import type { HostArray } from "../../graph/dtype.ts";
import { standsByClass } from "./class-order.ts";
import type { Source } from "../source.ts";

/** What {@link arraySource} takes. */
interface LabelledArrays {
  /** uint8 of [examples, height, width] or [examples, height, width, channels]. */
  readonly images: HostArray;
  /** Whole numbers of [examples], each a class. */
  readonly labels: HostArray;
  /** The class names. Default: "0", "1", … up to the largest label. */
  readonly classes?: readonly string[];
  /** The beginning of every id and of every message, such as `mnist/train`. */
  readonly name: string;
}

/** A source of labelled images; ids are `name/index`. */
export function arraySource({ images, labels, classes, name }: LabelledArrays): Source {
  const shape = images.shape.length === 3 ? [...images.shape, 1] : images.shape;
  if (images.dtype !== "uint8" || shape.length !== 4) {
    const given = `${images.dtype}[${images.shape.join(",")}]`;
    throw dataError(
      name,
      `images are uint8[n,height,width] or [n,height,width,channels], not ${given}.`,
    );
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== shape[0]) {
    throw dataError(name, `${shape[0]} images, but labels of shape [${labels.shape.join(",")}].`);
  }
  const targets = Int32Array.from(labels.data as Uint8Array, Number);
  const largest = targets.reduce((most, label) => Math.max(most, label), -1);
  const names = classes ?? Array.from({ length: largest + 1 }, (_, i) => String(i));
  const wrong = targets.findIndex(
    (label, i) => label < 0 || label >= names.length || label !== Number(labels.data[i]),
  );
  if (wrong >= 0) {
    throw dataError(
      name,
      `example ${wrong} has the label ${labels.data[wrong]}; there are ${names.length} classes.`,
    );
  }
  const [length, ...extents] = shape;
  const size = extents.reduce((a, b) => a * b, 1);
  const pixels = images.data as Uint8Array;
  const label = (index: number): HostArray => ({
    shape: [],
    dtype: "int32",
    data: targets.subarray(index, index + 1),
  });
  return {
    length,
    fields: { image: "image", label: "class" },
    names: { label: names },
    byClass: standsByClass(targets),
    id: (index) => `${name}/${index}`,
    read: (index) => ({
      image: {
        shape: extents,
        dtype: "uint8",
        data: pixels.subarray(index * size, (index + 1) * size),
      },
      label: label(index),
    }),
    held: { label },
  };
}

const dataError = (name: string, problem: string): OcelliError =>
  new OcelliError("data", `${name}: ${problem}`);
