/** @file A survey as lines for people. */

import { classLines } from "./classification/lines.ts";
import { counted, shorten, showCount } from "./counts.ts";
import { describeDeep } from "./deep/findings.ts";
import { findings } from "./findings.ts";
import type { FieldFacts } from "./tally.ts";
import type { Sizes } from "./sizes.ts";
import type { Survey } from "./survey.ts";

/** Columns of the words that lines begin with. */
const WORD = 12;

const line = (word: string, text: string): string => `${word.padEnd(WORD)}${text}`;

const CHANNELS: Readonly<Record<string, string>> = {
  1: "grey",
  2: "grey with alpha",
  3: "colours",
  4: "colours with alpha, or inks",
};

/** What a number of channels is, in words. */
export const describeChannels = (channels: string): string =>
  Object.hasOwn(CHANNELS, channels) ? CHANNELS[channels] : `${channels} channels`;

/** Bytes as `12.3 MB`. */
export function showBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit + 1 < units.length) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Width and height, as people write them. */
export const showSize = ({ width, height }: { width: number; height: number }): string =>
  `${width} × ${height}`;

/** The sizes in a line. */
export function sizesLine({
  distinct,
  smallest,
  median,
  largest,
  common,
  thinnest,
}: Sizes): string {
  if (distinct === 1) return `all ${showSize(smallest)}`;
  const [most] = common;
  const often = most.count > 1 ? `, most often ${showSize(most)} (${showCount(most.count)})` : "";
  const thin = thinnest >= 4 ? `, sides up to ${thinnest} : 1` : "";
  return `${counted(distinct, "size")}: ${showSize(smallest)} to ${showSize(largest)}, median ${showSize(median)}${often}${thin}`;
}

/** A survey as lines. */
export function surveyLines(survey: Survey): string[] {
  const { data, images, bytes, splits, sizes, channels, notes, shares, deep } = survey;
  const counts = splits.map(({ split, count }) => `${split} ${showCount(count)}`).join(" · ");
  const made = shares ? " (made from the images' names)" : "";
  const kinds = Object.entries(channels)
    .map(([number, count]) => `${describeChannels(number)} ${showCount(count)}`)
    .join(" · ");
  const found = findings(survey);
  return [
    line("data", `${data}: ${counted(images, "image")}, ${showBytes(bytes)}`),
    ...notes.map((note) => line("", note)),
    line("splits", `${counts}${made}`),
    ...classLines(survey).map(([word, text]) => line(word, text)),
    ...(sizes ? [line("sizes", `${sizesLine(sizes)} (width × height)`)] : []),
    ...(kinds === "" ? [] : [line("channels", kinds)]),
    ...splits.flatMap(({ split, fields }) => fields.flatMap((field) => fieldLines(split, field))),
    ...(deep ? [line("deep", `${describeDeep(deep)}, ${deep.seconds.toFixed(1)} s`)] : []),
    ...found.flatMap(({ about, text, such }) => [
      line(about, text),
      ...such.map((one) => line("", one)),
    ]),
    ...(found.length === 0 ? [line("found", "nothing that looks wrong")] : []),
  ];
}

/** What a field holds; `label` has lines of its own. */
function fieldLines(split: string, { field, kind, counts = {}, facts }: FieldFacts): string[] {
  const isListed = field === "label";
  const named = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  const values = isListed ? [] : Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  const all = [...named, ...values];
  if (isListed && all.length === 0) return [];
  return [line("field", `${field} (${kind}) of ${split}: ${shorten(all, 16) || "nothing"}`)];
}
