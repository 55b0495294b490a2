/** @file The names of the ways to explain an answer, for whoever lists them without computing. */

/** How a picture is explained. */
export const EXPLAIN_METHODS = ["grad-cam", "attention", "rollout"] as const;
export type ExplainMethod = (typeof EXPLAIN_METHODS)[number];
