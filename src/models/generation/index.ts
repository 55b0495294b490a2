/** @file Texts written token by token. */

export { type GenerationOptions, checkGeneration, generationKeys, isSampled } from "./options.ts";
export { type TextMarks, writeTexts } from "./write.ts";
export type { Writer, WriterStep } from "./writer.ts";
