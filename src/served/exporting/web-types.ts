/** @file The types of an exported model, for programs in TypeScript that use its folder. */

import type { ModelCard } from "../../models/index.ts";
import type { ModelInterface } from "./interface.ts";

/** More names than this are not spelled out: editors become slow. */
const SPELLED = 2000;

/** A file of declarations: the names of every field, the input's shape, the output's name. */
export function typesOf({ names, imageShape }: ModelCard, calls: ModelInterface): string {
  const [height, width, channels] = imageShape;
  const axes = calls.layout === "NCHW" ? [channels, height, width] : [height, width, channels];
  const fields = Object.entries(names).map(
    ([field, list]) => `  readonly ${JSON.stringify(field)}: ${tupleOf(list)};`,
  );
  return `/** Types of this folder's model, written by \`ocelli export --to web\`. */

/** What \`labels.json\` holds: the names that numbers of a field stand for. */
export interface Labels {
${fields.join("\n")}
}

/** A name of a field, such as a class: \`Label<"label">\`. */
export type Label<Field extends keyof Labels = keyof Labels> = Labels[Field][number];

/** Shape of the input \`image\`, float32, without the batch. */
export type ImageShape = readonly [${axes.join(", ")}];

/** Order of the input's axes. */
export type Layout = ${JSON.stringify(calls.layout)};

/** Name of the output. */
export type Output = ${JSON.stringify(calls.output)};
`;
}

const tupleOf = (names: readonly string[]): string =>
  names.length > SPELLED
    ? "readonly string[]"
    : `readonly [${names.map((name) => JSON.stringify(name)).join(", ")}]`;
