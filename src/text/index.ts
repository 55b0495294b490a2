/** @file Text: tokenizers, and measures of captions. */

export {
  TOKENIZER_CARDS,
  TOKENIZER_KINDS,
  type TokenizerCard,
  parseTokenizerCard,
  tokenizerCardSchema,
} from "./card.ts";
export { canonicalName, canonicalText } from "./canonical.ts";
export { openTokenizer } from "./open-tokenizer.ts";
export type { Tokenizer } from "./tokenizer.ts";
export { type CaptionScore, type JudgedCaption } from "./metrics/captions.ts";
export { bleu } from "./metrics/bleu.ts";
export { ciderD } from "./metrics/cider.ts";
export { rougeL } from "./metrics/rouge.ts";
