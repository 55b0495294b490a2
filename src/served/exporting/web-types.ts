/** @file The types of an exported model, for programs in TypeScript that use its folder. */

import type { ModelCard } from "../../models/index.ts";
import type { Task } from "../../tasks/index.ts";
import { IMAGE, type ModelInterface, inputOf, outputName } from "./interface.ts";

/** More names than this are not spelled out: editors become slow. */
const SPELLED = 2000;

/** A file of declarations: the names of every field, the inputs' shapes, the outputs' names. */
export function typesOf(
  { card, task }: { readonly card: ModelCard; readonly task: Task },
  parts: Readonly<Record<string, ModelInterface>>,
): string {
  const all = Object.entries(parts);
  const declared = [
    ...(Object.keys(card.names).length > 0 ? namesOf(card.names) : []),
    ...all.flatMap(([, calls]) => {
      const { shape } = inputOf(task, card, calls);
      return calls.input === IMAGE
        ? [
            `/** Shape of the input \`image\`, float32, without the batch. */
export type ImageShape = readonly [${shape.join(", ")}];`,
            `/** Order of the input's axes. */
export type Layout = ${JSON.stringify(calls.layout)};`,
          ]
        : [
            `/** Ids in a row of the input \`${calls.input}\`, int32 [batch, ids]. */
export type TextLength = ${shape.join(", ")};`,
          ];
    }),
    parts.model
      ? `/** Name of the output. */
export type Output = ${JSON.stringify(parts.model.output)};`
      : `/** Name of each tower's output. */
export interface Outputs {
${all.map(([name, calls]) => `  readonly ${name}: ${JSON.stringify(outputName(calls))};`).join("\n")}
}`,
  ];
  const title = "/** Types of this folder's model, written by `ocelli export --to web`. */";
  return `${[title, ...declared].join("\n\n")}\n`;
}

function namesOf(names: ModelCard["names"]): string[] {
  const fields = Object.entries(names).map(
    ([field, list]) => `  readonly ${JSON.stringify(field)}: ${tupleOf(list)};`,
  );
  return [
    `/** What \`labels.json\` holds: the names that numbers of a field stand for. */
export interface Labels {
${fields.join("\n")}
}`,
    `/** A name of a field, such as a class: \`Label<"label">\`. */
export type Label<Field extends keyof Labels = keyof Labels> = Labels[Field][number];`,
  ];
}

const tupleOf = (names: readonly string[]): string =>
  names.length > SPELLED
    ? "readonly string[]"
    : `readonly [${names.map((name) => JSON.stringify(name)).join(", ")}]`;
