/** @file How texts are written: greedily, with several beams, or drawn. */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";

/** Options of writing, for configurations. */
export const generationKeys = {
  /** How many texts are followed side by side; the likeliest is the answer. Default: 1, the likeliest token each time. */
  beams: z.int().min(1).max(64).optional(),
  /**
   * With beams: sums of log-probabilities are divided by ((5 + tokens) / 6) to this power, so that more favours longer
   * texts. Default: 0.
   */
  lengthPenalty: z.number().min(0).optional(),
  /** Tokens are drawn, and scores are divided by it before; less keeps to likelier ones. Default: 1 where tokens are drawn. */
  temperature: z.number().positive().optional(),
  /** Tokens are drawn from this many of the likeliest. Default: all. */
  topK: z.int().min(1).optional(),
  /** Tokens are drawn from the likeliest that together have this probability. Default: 1. */
  topP: z.number().gt(0).max(1).optional(),
  /** What draws depend on; tokens are drawn where it is said. Default: 0. */
  seed: z.int().min(0).max(0xffffffff).optional(),
  /** The most tokens of a text, its end among them. Default: as many as in training. */
  maxLength: z.int().min(1).optional(),
};

/** How texts are written. */
export type GenerationOptions = Readonly<z.output<z.ZodObject<typeof generationKeys>>>;

/** Whether tokens are drawn. */
export const isSampled = ({ temperature, topK, topP, seed }: GenerationOptions): boolean =>
  [temperature, topK, topP, seed].some((value) => value !== undefined);

/** An argument error where options do not go together, or a text would be longer than a model can write. */
export function checkGeneration(options: GenerationOptions, limit: number): void {
  const { beams = 1, maxLength = limit, lengthPenalty } = options;
  if (beams > 1 && isSampled(options)) {
    throw new OcelliError("argument", "texts are written with beams or drawn, not both.", {
      given: options,
      hint: "Leave out beams, or temperature, topK, topP and seed.",
    });
  }
  if (beams === 1 && lengthPenalty !== undefined) {
    throw new OcelliError("argument", "lengthPenalty compares the texts of several beams.", {
      given: lengthPenalty,
      hint: "Say beams, such as 4, or leave it out.",
    });
  }
  if (maxLength <= limit) return;
  throw new OcelliError(
    "argument",
    `maxLength is ${maxLength}, but the model writes at most ${limit} tokens.`,
    { given: maxLength, valid: [`1 to ${limit}`] },
  );
}
