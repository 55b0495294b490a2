/** @file Cases of metrics that are computed on the host, by the case's name. */

import { unknownName } from "../../errors.ts";
import { overlapValues } from "../../evaluate/index.ts";
import { decodeUtf8 } from "../../formats/bytes.ts";
import { fromNumbers, toNumbers } from "../../graph/index.ts";
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

/** Overlap of maps gt and pred, uint8 or int32 [images, rows, columns]; pixels whose truth is `ignore` do not count. */
function computeOverlap({ inputs, description }: Case): Arrays {
  const { classes, ignore } = description.constructor as unknown as Record<string, number>;
  const [truths, founds] = [inputs.gt, inputs.pred].map(toNumbers);
  const confusion = new Array<number>(classes * classes).fill(0);
  truths.forEach((truth, i) => {
    if (truth !== ignore) confusion[truth * classes + founds[i]]++;
  });
  const names = Array.from({ length: classes }, (_, k) => String(k));
  const total = (of: (other: number, k: number) => number): number[] =>
    names.map((_, k) => names.reduce((sum, _name, other) => sum + confusion[of(other, k)], 0));
  const counts = {
    hits: names.map((_, k) => confusion[k * classes + k]),
    truth: total((other, k) => k * classes + other),
    found: total((other, k) => other * classes + k),
  };
  const values = new Map(overlapValues(counts, names));
  const each = names.map((name) => values.get(`iou/${name}`) ?? -1);
  const there = each.filter((_, k) => counts.truth[k] > 0);
  const number = (value: number) => fromNumbers([value], [], "float64");
  return {
    confusion: fromNumbers(confusion, [classes, classes], "int64"),
    iou_per_class: fromNumbers(each, [classes], "float64"),
    mean_iou: number(values.get("miou")!),
    pixel_accuracy: number(values.get("pixel_accuracy")!),
    mean_class_accuracy: number(values.get("mean_class_accuracy")!),
    frequency_weighted_iou: number(values.get("frequency_weighted_iou")!),
    mean_iou_gt_classes_only: number(there.reduce((a, b) => a + b, 0) / there.length),
  };
}

const CASES: Readonly<Record<string, (given: Case) => Arrays>> = {
  captions: computeCaptions,
  mean_iou: computeOverlap,
};

export const metrics: Family = {
  name: "metrics",
  model: /pycocoevalcap|mean IoU/,
  compute(given) {
    const name = String(given.description.case);
    if (!Object.hasOwn(CASES, name)) {
      throw unknownName("case of metrics", name, Object.keys(CASES), "unsupported");
    }
    return Promise.resolve({ outputs: CASES[name](given) });
  },
};
