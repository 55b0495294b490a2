/** @file What a configuration may say about its data. */

import { z } from "zod";
import { choiceOf } from "../define.ts";
import { type PlainDataConfig, SOURCES, sourceDefinition } from "./registry.ts";

/** Several data sets, drawn from by weight. */
interface MixtureConfig {
  readonly name: "mixture";
  /** The data sets of a mixture. */
  readonly parts: readonly {
    /** A data set. */
    readonly data: PlainDataConfig;
    /** How often it is drawn, in proportion to the other parts. */
    readonly weight: number;
  }[];
}

/** A configuration's `data`: which data set to open, and how. */
export type DataConfig = PlainDataConfig | MixtureConfig;

const mixtureOf = (data: z.ZodType<PlainDataConfig, PlainDataConfig>) => ({
  name: "mixture",
  schema: z.strictObject({
    /** The data sets of a mixture. */
    parts: z
      .array(
        z.strictObject({
          /** A data set. */
          data,
          /** How often it is drawn, in proportion to the other parts. */
          weight: z.number().positive(),
        }),
      )
      .min(1)
      .readonly(),
  }),
});

/** The schema of a configuration's `data`. */
export function dataChoice(): z.ZodType<DataConfig, DataConfig> {
  const plain = choiceOf<PlainDataConfig>("name", SOURCES);
  return choiceOf("name", [...SOURCES, mixtureOf(plain)]);
}

/**
 * A configuration that says how its splits are made, where it does not: a new run's by `class`. What a run recorded
 * without a word of it is from before there was a choice: by `id`.
 */
export function withSplitBy<T extends DataConfig>(data: T, splitBy: "class" | "id"): T {
  if (data.name === "mixture") {
    const parts = data.parts.map((part) => ({ ...part, data: withSplitBy(part.data, splitBy) }));
    return { ...data, parts };
  }
  const isDivided = Object.hasOwn(sourceDefinition(data.name).schema.shape, "splitBy");
  return isDivided ? { splitBy, ...data } : data;
}
