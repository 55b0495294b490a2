/** @file What a survey found that people should know, as sentences: the terminal and the page say the same. */

import { acrossWords, untrainedFinding } from "./classification/findings.ts";
import { counted, showCount } from "./counts.ts";
import type { Finding } from "./finding.ts";
import { deepFindings } from "./deep/findings.ts";
import { type Members, nameOf } from "./members.ts";
import type { Survey } from "./survey.ts";

/** Pictures that are named beside a finding. */
const NAMED = 3;

/** All that is worth a look, what matters most first. */
export function findings(survey: Survey): Finding[] {
  const { untrained, unreadable, transparent, plain, equal, near, deep } = survey;
  const all: (Finding | undefined)[] = [
    untrainedFinding(untrained),
    unreadable.count > 0
      ? {
          about: "unreadable",
          text: `${counted(unreadable.count, "picture")} cannot be read`,
          such: unreadable.listed.slice(0, NAMED).map(({ id, reason }) => `${id}: ${reason}`),
        }
      : undefined,
    equal.count > 0
      ? {
          about: "equal",
          text: `${showCount(equal.pictures)} pictures in ${counted(equal.count, "group")} have equal bytes (exact)${acrossWords(equal)}`,
          such: equal.listed.slice(0, NAMED).map((group) => group.map(nameOf).join(" = ")),
        }
      : undefined,
    near.count > 0
      ? {
          about: "near",
          text:
            `${counted(near.count, "pair")} look${near.count === 1 ? "s" : ""} nearly the same (near: at most ${near.bits} of 64 bits of a hash differ)` +
            `${acrossWords(near)}${near.isWhole ? "" : "; there are more, the search was cut short"}`,
          such: near.listed
            .slice(0, NAMED)
            .map(({ pair, distance }) => `${pair.map(nameOf).join(" ~ ")}, ${distance} bits`),
        }
      : undefined,
    ...(deep ? deepFindings(deep) : []),
    kind("transparent", transparent, "partly transparent (laid on white by default)"),
    kind("one colour", plain, "of one colour"),
  ];
  return all.filter((finding) => finding !== undefined);
}

const kind = (about: string, { count, listed }: Members, what: string): Finding | undefined =>
  count === 0
    ? undefined
    : {
        about,
        text: `${counted(count, "picture")} ${count === 1 ? "is" : "are"} ${what}`,
        such: listed.slice(0, NAMED).map(nameOf),
      };
