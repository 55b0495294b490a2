/** @file What features say of a data set, as sentences. */

import { acrossWords } from "../classification/findings.ts";
import { counted, showCount } from "../counts.ts";
import type { Finding } from "../finding.ts";
import { nameOf } from "../members.ts";
import type { DeepFacts } from "./deep.ts";

/** Pictures that are named beside a finding. */
const NAMED = 3;

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** What is worth a look, by the features of a model. */
export function deepFindings({ alike, doubtful, outliers, model }: DeepFacts): Finding[] {
  const all: (Finding | undefined)[] = [
    doubtful && doubtful.count > 0
      ? {
          about: "labels",
          text:
            `${counted(doubtful.count, "label")} of ${showCount(doubtful.judged)} ${doubtful.count === 1 ? "is" : "are"} likely wrong ` +
            `(a linear classifier on features of ${model}, which did not see the picture, is surer of another class; it agrees with ${percent(doubtful.agreement)})`,
          such: doubtful.listed
            .slice(0, NAMED)
            .map(
              ({ member, suggested, probability, own }) =>
                `${nameOf(member)}: rather ${suggested}, ${percent(probability)} against ${percent(own)}`,
            ),
        }
      : undefined,
    alike.count > 0
      ? {
          about: "alike",
          text: `${alike.isWhole ? "" : "at least "}${counted(alike.count, "pair")} ${alike.count === 1 ? "has" : "have"} nearly the same features (cosine at least ${alike.least})${acrossWords(alike)}`,
          such: alike.listed
            .slice(0, NAMED)
            .map(
              ({ pair, likeness }) =>
                `${pair.map(nameOf).join(" ~ ")}, cosine ${likeness.toFixed(2)}`,
            ),
        }
      : undefined,
    outliers.count > 0
      ? {
          about: "outliers",
          text: `${counted(outliers.count, "picture")} ${outliers.count === 1 ? "is" : "are"} unlike all others`,
          such: outliers.listed.slice(0, NAMED).map(nameOf),
        }
      : undefined,
  ];
  return all.filter((finding) => finding !== undefined);
}

/** What was compared, in a line. */
export const describeDeep = ({ model, compared, isWhole }: DeepFacts): string =>
  `features of ${counted(compared, "picture")} by ${model}${isWhole ? "" : ", spread evenly over all"}`;
