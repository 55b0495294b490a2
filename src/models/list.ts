/** @file The list of model families, apart from what fills it, for families that are built around others. */

import type { ModelDefinition } from "./define.ts";

/** The model families that a configuration may name. */
export const MODELS: ModelDefinition[] = [];
