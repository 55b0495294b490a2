/** @file What the fields of examples hold beside their pictures: counted by kind, whatever task they are for. */

import { toNumbers } from "../graph/index.ts";
import {
  type Example,
  type FieldKind,
  type Fields,
  decodeTexts,
  isLabel,
} from "../preprocess/example.ts";
import { isEncoded } from "../data/stream/examples.ts";
import { classTally } from "./classification/tally.ts";
import { type FieldFacts, type Tally, extent } from "./tally.ts";

/** Values of maps that are counted by themselves. */
const MOST_VALUES = 256;

/** Numbers of pixels: which there are, and whether a map is as large as its picture. */
function mapTally(names: readonly string[] | undefined): Tally {
  const pixels = new Map<number, number>();
  const isNamed = (value: number): boolean => names !== undefined && value in names;
  let [files, others, unnamed] = [0, 0, 0];
  return {
    add(map, { image }) {
      if (isEncoded({ image: map })) {
        files++;
        return;
      }
      const [height, width] = map.shape;
      const isPicture = image !== undefined && image.shape.length === 3;
      if (isPicture && (image.shape[0] !== height || image.shape[1] !== width)) others++;
      for (const value of toNumbers(map)) {
        const known = pixels.get(value);
        if (known !== undefined || pixels.size < MOST_VALUES) pixels.set(value, (known ?? 0) + 1);
        if (names && !isNamed(value)) unnamed++;
      }
    },
    facts() {
      const total = [...pixels.values()].reduce((sum, count) => sum + count, 0);
      const share = (count: number): string => `${((100 * count) / total).toFixed(1)} % of pixels`;
      const shown = [...pixels].sort(([a], [b]) => a - b).slice(0, 24);
      const named = shown.map(([value, count]) => [
        names?.[value] ?? `value ${value}`,
        share(count),
      ]);
      return {
        facts: {
          ...(Object.fromEntries(named) as Record<string, string>),
          ...(files > 0 && { "as image files": files }),
          ...(others > 0 && { "of another size than their picture": others }),
          ...(unnamed > 0 && { "pixels without a name": unnamed }),
        },
      };
    },
  };
}

function textTally(): Tally {
  const lengths = extent();
  const texts = extent();
  let empty = 0;
  return {
    add(array) {
      const all = decodeTexts(array);
      texts.add(all.length);
      for (const text of all) {
        lengths.add(text.length);
        if (text.trim() === "") empty++;
      }
    },
    facts: () => ({
      facts: {
        "texts an example": texts.show("texts"),
        length: lengths.show("characters"),
        ...(empty > 0 && { empty }),
      },
    }),
  };
}

/** Boxes, points, frames: how many an example has. */
function countTally(unit: string): Tally {
  const count = extent();
  return {
    add: ({ shape }) => count.add(shape[0] ?? 1),
    facts: () => ({ facts: { "an example has": count.show(unit) } }),
  };
}

/** Any other array: its shapes. */
function shapeTally(): Tally {
  const shapes = new Map<string, number>();
  return {
    add({ shape, dtype }) {
      const key = `${dtype}[${shape.join(",")}]`;
      if (shapes.has(key) || shapes.size < MOST_VALUES) shapes.set(key, (shapes.get(key) ?? 0) + 1);
    },
    facts: () => ({ facts: Object.fromEntries(shapes) }),
  };
}

function tallyOf(kind: FieldKind, names: readonly string[] | undefined): Tally {
  if (isLabel(kind)) return classTally(names ?? []);
  switch (kind) {
    case "map":
      return mapTally(names);
    case "text":
      return textTally();
    case "boxes":
    case "points":
      return countTally(kind);
    case "video":
      return countTally("frames");
    default:
      return shapeTally();
  }
}

/** Tallies of all fields of a split but its pictures. */
export function tallyFields(fields: Fields, names: Readonly<Record<string, readonly string[]>>) {
  const tallies = Object.entries(fields)
    .filter(([field]) => field !== "image")
    .map(([field, kind]) => {
      const named = Object.hasOwn(names, field) ? names[field] : undefined;
      return { field, kind, tally: tallyOf(kind, named) };
    });
  return {
    add(example: Example): void {
      for (const { field, tally } of tallies) {
        if (Object.hasOwn(example, field)) tally.add(example[field], example);
      }
    },
    facts: (): FieldFacts[] =>
      tallies.map(({ field, kind, tally }) => ({ field, kind, ...tally.facts() })),
  };
}
