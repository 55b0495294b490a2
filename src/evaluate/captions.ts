/** @file Captions judged: how likely the model finds those of people, and how near its own are to them. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  argMax,
  convert,
  equal,
  expandDims,
  mul,
  notEqual,
  reduceSum,
  toNumbers,
} from "../graph/index.ts";
import { weightedSoftmaxXent } from "../losses/index.ts";
import { checkGeneration, generationKeys } from "../models/generation/options.ts";
import { decodeTexts } from "../preprocess/example.ts";
import { canonicalText } from "../text/canonical.ts";
import { bleu } from "../text/metrics/bleu.ts";
import type { JudgedCaption } from "../text/metrics/captions.ts";
import { ciderD } from "../text/metrics/cider.ts";
import { rougeL } from "../text/metrics/rouge.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { defineEvaluator } from "./define.ts";
import type { EvaluatedModel, Stream } from "./evaluator.ts";

/** The tokenizer of a captioner; a configuration error for other models. */
function captionsOf(type: string, { task, tokenizer }: EvaluatedModel): Tokenizer {
  if (tokenizer && task.name === "captioning") return tokenizer;
  throw new OcelliError("config", `${type} judges captioners; the model is of ${task.name}.`, {
    given: task.name,
    valid: ["captioning"],
  });
}

/**
 * How likely the model finds the captions of people: `perplexity`, e to the mean of the cross-entropies of all tokens;
 * `accuracy`, the part of tokens that are the likeliest at their place; `loss`, the mean over captions of each one's mean.
 * Each image stands with one caption, that which the preprocessing leaves.
 */
export const captionPerplexity = defineEvaluator({
  name: "perplexity",
  schema: z.strictObject({}),
  create(_, model) {
    const { padId } = captionsOf("perplexity", model);
    return {
      head: "logits",
      measure({ output: scores, batch: { text, mask } }) {
        const isText = convert(notEqual(text, padId), "float32"); // [batch, length]
        const weights = mul(isText, expandDims(convert(mask, "float32"), 1));
        const total = weightedSoftmaxXent(scores, text, { weights, normalize: false });
        const right = convert(equal(argMax(scores, 2), text), "float32");
        return {
          sums: {
            nll: reduceSum(total),
            right: reduceSum(mul(right, weights)),
            tokens: reduceSum(weights),
            loss: reduceSum(weightedSoftmaxXent(scores, text, { weights })),
            count: reduceSum(convert(mask, "float32")),
          },
        };
      },
      summarise: ({ judged: { sums } }) => [
        ["perplexity", Math.exp(sums.nll / sums.tokens)],
        ["accuracy", sums.right / sums.tokens],
        ["loss", sums.loss / sums.count],
      ],
    };
  },
});

/**
 * Captions that the model writes, beside all that people wrote for the image: `cider` (CIDEr-D times 10, as is usual),
 * `bleu4` and `rougeL`. Words are compared in lower case and without punctuation. Images that nobody wrote words for are
 * left out; where there are any, `without_reference` says how many.
 */
export const writtenCaptions = defineEvaluator({
  name: "captions",
  schema: z.strictObject(generationKeys),
  create(options, model) {
    const tokenizer = captionsOf("captions", model);
    checkGeneration(options, tokenizer.card.length);
    return {
      head: "text",
      measure: ({ output, write }) => ({ rows: { ids: write?.(options) ?? output } }),
      async summarise({ judged }) {
        const written = await judgedCaptions(judged, tokenizer);
        const all = written.filter(({ references }) => references.length > 0);
        if (all.length === 0) {
          throw new OcelliError(
            "data",
            `none of the ${written.length} images has a caption in words.`,
            {
              hint: "Judge captions on data whose texts are captions, as evals.NAME.data.",
            },
          );
        }
        const left = written.length - all.length;
        const values: [string, number][] = [
          ["cider", ciderD(all).score],
          ["bleu4", bleu(all)[3].score],
          ["rougeL", rougeL(all).score],
        ];
        return left > 0 ? [...values, ["without_reference", left]] : values;
      },
    };
  },
});

/** Examples read at the same time: a read takes the image too. */
const READING = 32;

/** What the model wrote beside what people wrote, as the measures take it. */
async function judgedCaptions(
  { rows: { ids }, indices, read }: Stream,
  tokenizer: Tokenizer,
): Promise<JudgedCaption[]> {
  const [, length] = ids.shape;
  const all = toNumbers(ids);
  const judged: JudgedCaption[] = [];
  for (let begin = 0; begin < indices.length; begin += READING) {
    const some = indices.slice(begin, begin + READING);
    const texts = await Promise.all(
      some.map(async (index) => decodeTexts((await read(index)).text)),
    );
    for (const written of texts) {
      const at = judged.length * length;
      judged.push({
        caption: plainWords(tokenizer.decode(all.slice(at, at + length))),
        references: written.map(plainWords).filter((text) => text !== ""),
      });
    }
  }
  return judged;
}

const plainWords = (text: string): string => canonicalText(text).toLowerCase();
