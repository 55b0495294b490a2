/** @file What a served model of images and texts does with words: labels for pictures, and pictures of an index. */

import { relative, sep } from "node:path";
import { OcelliError } from "../errors.ts";
import { PROMPT_TEMPLATES } from "../evaluate/index.ts";
import type { HostArray } from "../graph/index.ts";
import { checkModel } from "../search/build.ts";
import { type Manifest, rootOf } from "../search/folder.ts";
import { openIndex } from "../search/search.ts";
import { createLabelRanker } from "../served/classification/zero-shot.ts";
import type { ServedModel } from "../served/model.ts";
import { meanVector, toUnitLength } from "../served/vectors.ts";
import type { Ranked } from "../tasks/index.ts";
import { Refusal, TooLate } from "./refusals.ts";

/** A picture of an index, by its path below the folder that was indexed. */
interface Found {
  readonly image: string;
  readonly score: number;
}

/** What requests with words get. */
export interface Words {
  /** Absent where the model reads no words. */
  readonly classify?: (
    features: HostArray,
    wanted: { readonly labels: readonly string[]; readonly templates: readonly string[] },
    isLate: () => boolean,
  ) => Promise<readonly Ranked[]>;
  /** Absent without an index. */
  readonly search?: (
    query: WordsQuery,
    top: number,
    isLate: () => boolean,
  ) => Promise<readonly Found[]>;
  dispose(): void;
}

/** Words, the features of a picture, or both. */
interface WordsQuery {
  readonly text: string | undefined;
  readonly features: HostArray | undefined;
}

/** Labels that a request may have, sentences that they may become, letters of each text, and pictures that are found at most. */
const MOST_LABELS = 1000;
const MOST_SENTENCES = 10_000;
const MOST_LETTERS = 1000;
const MOST_FOUND = 1000;

/**
 * Opens what a model does with words.
 *
 * @param gate lets the engine do one thing at a time
 * @param index where an index of the model lies, and what it must say of the model
 * @throws a data error where there is no index; an argument error where it is of another model
 */
export async function openWords(
  model: ServedModel,
  spec: string,
  gate: <T>(work: () => Promise<T>) => Promise<T>,
  index?: { readonly path: string; readonly identity: Manifest["model"] },
): Promise<Words> {
  const ranker = model.texts && createLabelRanker(model, spec);
  const opened = index && (await openIndex(index.path));
  if (opened) {
    try {
      checkModel(opened.index, opened.manifest, index.identity);
    } catch (error) {
      opened[Symbol.dispose]();
      throw error;
    }
  }
  /** What the engine does when its turn has come, unless nobody waits for it any more. */
  const inTurn = <T>(isLate: () => boolean, work: () => Promise<T>): Promise<T> =>
    gate(() => {
      if (isLate()) throw new TooLate();
      return work();
    });
  const embed = async (text: string, isLate: () => boolean): Promise<Float32Array> => {
    const { texts } = model;
    if (!texts) throw new Refusal(501, "this model reads no texts. Send a picture.");
    const vectors = await inTurn(isLate, () => texts.embed([checked(text)]));
    return vectors.data as Float32Array;
  };
  return {
    ...(ranker && {
      async classify(features, { labels, templates }, isLate) {
        if (labels.length > MOST_LABELS) {
          throw new Refusal(
            400,
            `there are ${labels.length} labels, at most ${MOST_LABELS} are taken`,
          );
        }
        [...labels, ...templates].forEach(checkLength);
        const prompts = templates.flatMap(templatesNamed);
        const sentences = labels.length * Math.max(1, prompts.length);
        if (sentences > MOST_SENTENCES) {
          throw new Refusal(
            400,
            `${labels.length} labels in ${prompts.length} templates are ${sentences} sentences, at most ${MOST_SENTENCES} are taken`,
          );
        }
        return asRefusal(() =>
          inTurn(isLate, () => ranker(features, labels, prompts.length > 0 ? prompts : undefined)),
        );
      },
    }),
    ...(opened && {
      async search({ text, features }, top, isLate) {
        const parts = [
          ...(text === undefined ? [] : [await embed(text, isLate)]),
          ...(features ? [toUnitLength((features.data as Float32Array).slice())] : []),
        ];
        if (parts.length === 0) throw new Refusal(400, "a search needs text=…, a picture, or both");
        const root = rootOf(opened.index, opened.manifest);
        return opened
          .nearest(meanVector(parts), Math.min(top, MOST_FOUND))
          .map(({ image, score }) => ({
            image: relative(root, image).split(sep).join("/"),
            score,
          }));
      },
    }),
    dispose: () => opened?.[Symbol.dispose](),
  };
}

/** A text of a request; a refusal where it is empty or very long. */
function checked(text: string): string {
  if (text.trim() === "") throw new Refusal(400, "text is empty");
  checkLength(text);
  return text;
}

function checkLength(text: string): void {
  if (text.length <= MOST_LETTERS) return;
  throw new Refusal(400, `a text has ${text.length} letters, more than ${MOST_LETTERS}`);
}

const templatesNamed = (name: string): readonly string[] =>
  Object.hasOwn(PROMPT_TEMPLATES, name)
    ? PROMPT_TEMPLATES[name as keyof typeof PROMPT_TEMPLATES]
    : [name];

/** What is wrong with labels and prompts is said to who sent them. */
async function asRefusal<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OcelliError && error.code === "argument") {
      throw new Refusal(400, error.message);
    }
    throw error;
  }
}
