/** @file Cases of metrics that are computed on the host, by the case's name. */

import { unknownName } from "../../errors.ts";
import { decodeUtf8 } from "../../formats/bytes.ts";
import { fromNumbers } from "../../graph/index.ts";
import { type JudgedCaption, bleu, ciderD, rougeL } from "../../text/index.ts";
import { type Arrays, type Case, fileOf } from "../case.ts";
import type { Family } from "../family.ts";

/** captions.json: references and captions by image, in order. */
interface CaptionsFile {
  readonly references: Readonly<Record<string, readonly string[]>>;
  readonly hypotheses: Readonly<Record<string, readonly string[]>>;
}

function computeCaptions(given: Case): Arrays {
  const file = decodeUtf8(fileOf(given, "captions.json"), "captions.json");
  const { references, hypotheses } = JSON.parse(file) as CaptionsFile;
  const captions: JudgedCaption[] = Object.entries(references).map(([image, texts]) => ({
    caption: hypotheses[image][0],
    references: texts,
  }));
  const array = (values: readonly number[], shape: readonly number[]) =>
    fromNumbers(values, shape, "float64");
  const [cider, rouge, bleus] = [ciderD(captions), rougeL(captions), bleu(captions)];
  const images = captions.length;
  return {
    cider_d: array([cider.score], []),
    cider_d_per_image: array(cider.each, [images]),
    rouge_l: array([rouge.score], []),
    rouge_l_per_image: array(rouge.each, [images]),
    bleu1_to_4: array(
      bleus.map(({ score }) => score),
      [bleus.length],
    ),
    bleu_per_image: array(
      bleus.flatMap(({ each }) => each),
      [bleus.length, images],
    ),
  };
}

const CASES: Readonly<Record<string, (given: Case) => Arrays>> = { captions: computeCaptions };

export const metrics: Family = {
  name: "metrics",
  model: /pycocoevalcap/,
  compute(given) {
    const name = String(given.description.case);
    if (!Object.hasOwn(CASES, name)) {
      throw unknownName("case of metrics", name, Object.keys(CASES), "unsupported");
    }
    return Promise.resolve({ outputs: CASES[name](given) });
  },
};
