/** @file Kinds of options that self-supervised objectives share. */

import { z } from "zod";

/** How many features a layer has. */
export const width = z.int().min(1).max(1_048_576);
/** What scores are divided by. */
export const temperature = z.number().positive();
/** How much of the past stays. */
export const share = z.number().min(0).max(1);
/** A part of something that is not all of it. */
export const part = z.number().min(0).lt(1);
