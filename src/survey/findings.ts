/** @file What a survey found that people should know, as sentences: the terminal and the page say the same. */

import type { Member, Members, Same, Survey } from "./survey.ts";

/** A kind of finding. */
export interface Finding {
  /** A word for it. */
  readonly about: string;
  readonly text: string;
  /** Some pictures that it is of, each on a line. */
  readonly such: readonly string[];
}

/** Pictures that are named beside a finding. */
const NAMED = 3;

export const showCount = (value: number): string => value.toLocaleString("en");

/** `1 picture`, `2 pictures` */
export const counted = (count: number, unit: string): string =>
  `${showCount(count)} ${unit}${count === 1 ? "" : "s"}`;

/** A picture by its id, with its split and its class. */
const nameOf = ({ id, split, label }: Member): string =>
  `${id} (${[split, ...(label === undefined ? [] : [label])].join(", ")})`;

/** All that is worth a look, what matters most first. */
export function findings(survey: Survey): Finding[] {
  const { untrained, unreadable, transparent, plain, equal, near } = survey;
  const all: (Finding | undefined)[] = [
    untrained.length > 0
      ? {
          about: "untrained",
          text: `${counted(untrained.length, "class").replace("classs", "classes")} without an image to train on`,
          such: [shorten(untrained)],
        }
      : undefined,
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
          text: `${showCount(equal.pictures)} pictures in ${counted(equal.count, "group")} have equal bytes (exact)${across(equal)}`,
          such: equal.listed.slice(0, NAMED).map((group) => group.map(nameOf).join(" = ")),
        }
      : undefined,
    near.count > 0
      ? {
          about: "near",
          text:
            `${counted(near.count, "pair")} look${near.count === 1 ? "s" : ""} nearly the same (near: at most ${near.bits} of 64 bits of a hash differ)` +
            `${across(near)}${near.isWhole ? "" : "; there are more, the search was cut short"}`,
          such: near.listed
            .slice(0, NAMED)
            .map(({ pair, distance }) => `${pair.map(nameOf).join(" ~ ")}, ${distance} bits`),
        }
      : undefined,
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

/** In how many groups pictures of several splits or classes are together. */
function across({ acrossSplits, acrossClasses }: Same<unknown>): string {
  const parts = [
    ...(acrossSplits > 0 ? [`${showCount(acrossSplits)} across splits`] : []),
    ...(acrossClasses > 0 ? [`${showCount(acrossClasses)} across classes`] : []),
  ];
  return parts.length > 0 ? `, ${parts.join(", ")}` : "";
}

/** The first of some names. */
export function shorten(names: readonly string[], most = 12): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(", ")}${more > 0 ? `, … ${showCount(more)} more` : ""}`;
}
