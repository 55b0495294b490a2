/** @file Two towers as transformers publishes them: the model, the preprocessing and the tokenizer that lie beside the weights. */

import { readFile } from "node:fs/promises";
import { z } from "zod";
import { OcelliError } from "../errors.ts";
import type { TokenizerCard } from "../text/index.ts";
import { type DescribedModel, describeProcessor } from "./describe.ts";
import { describeTokenizer } from "./describe-tokenizer.ts";
import { describeTowers } from "./describe-towers.ts";
import {
  CONFIG,
  type LoadOptions,
  PREPROCESSOR,
  besideWeights,
  jsonBeside,
  splitSpec,
} from "./load.ts";

/** Published two towers with all that their use needs beside arrays. */
export interface PublishedTowers {
  /** `two-towers` with its options. */
  readonly model: DescribedModel;
  /** By which loss they were trained. */
  readonly loss: "sigmoid" | "softmax";
  /** In the preprocessing language; undefined where no file says it. */
  readonly preprocessing?: string;
  /** The vocabulary's file on this machine, and how texts are read by it. */
  readonly tokenizer: TokenizerCard & { readonly file: string };
}

/** Configurations of both towers together; those of one tower, or of a classifier, say so in their architecture. */
const bothTowers = z.object({ architectures: z.tuple([z.literal(["SiglipModel", "CLIPModel"])]) });

const TOKENIZER = "tokenizer_config.json";
/** Files of vocabularies, the first that is known for a tokenizer and there is read. */
const VOCABULARIES = ["spiece.model", "tokenizer.json"];
const TOKENIZER_CLASSES = ["SiglipTokenizer", "CLIPTokenizer", "GemmaTokenizer"];

/**
 * The two towers whose weights a spec names, of SigLIP, of SigLIP 2 for pictures of one size, or of CLIP; undefined where it
 * names others, or a part of them.
 *
 * @throws a data error where their tokenizer is missing, or of none that is known here
 */
export async function describePublishedTowers(
  spec: string,
  options: LoadOptions = {},
): Promise<PublishedTowers | undefined> {
  const { source, part } = splitSpec(spec);
  if (part !== undefined) return undefined;
  const read = await jsonBeside(source, [PREPROCESSOR, CONFIG], options);
  const config = read(CONFIG);
  const towers = bothTowers.safeParse(config).success ? describeTowers(config) : undefined;
  if (!towers) return undefined;
  const isSiglip = "biasInit" in towers.model;
  const hint = isSiglip ? `Its image tower alone is ${spec}:vision_model.` : undefined;
  const { length, ...tokenizer } = await tokenizerBeside(spec, source, hint, options);
  const { maxLength } = towers.model.text as { readonly maxLength: number };
  return {
    model: towers.model,
    loss: isSiglip ? "sigmoid" : "softmax",
    preprocessing: describeProcessor(read(PREPROCESSOR)),
    tokenizer: { ...tokenizer, length: Math.min(length, maxLength) },
  };
}

async function tokenizerBeside(
  spec: string,
  source: string,
  hint: string | undefined,
  options: LoadOptions,
): Promise<PublishedTowers["tokenizer"]> {
  const value = (await jsonBeside(source, [TOKENIZER], options))(TOKENIZER);
  const fail = (reason: string, given: unknown, valid: readonly string[]): never => {
    throw new OcelliError("data", `${spec} has no tokenizer that is known here: ${reason}.`, {
      ...{ given, valid, hint },
    });
  };
  if (value === undefined) return fail(`there is no ${TOKENIZER}`, undefined, [TOKENIZER]);
  const described = VOCABULARIES.flatMap((name) => describeTokenizer(value, [name]) ?? []);
  for (const { file, card } of described) {
    const [path] = await besideWeights(source, [file], options);
    if (path !== undefined) return { file: path, ...card(await readFile(path)) };
  }
  if (described.length > 0) {
    const files = described.map(({ file }) => file);
    return fail(`there is no ${files.join(" and no ")}`, undefined, files);
  }
  const named = (value as { tokenizer_class?: unknown } | null)?.tokenizer_class;
  const given = typeof named === "string" ? named : "no known class";
  return fail(`${TOKENIZER} says ${given}`, named, TOKENIZER_CLASSES);
}
