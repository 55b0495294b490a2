/** @file `ocelli data`: what a data set holds, and what may be wrong with it, before anything is trained. */

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OcelliError } from "../errors.ts";
import type { Command } from "./command.ts";
import { dataAt } from "./data.ts";
import { openInBrowser } from "./open-browser.ts";
import { printableName } from "./printable.ts";

export const surveyCommand: Command = {
  name: "data",
  summary: "Show what a data set holds, and what may be wrong with it, before training",
  operands: "PATH",
  arity: [1, 1],
  flags: {
    html: { type: "text", value: "FILE", help: "write a page with pictures too" },
    open: { type: "switch", help: "show the page in a browser" },
    near: {
      type: "integer",
      value: "BITS",
      help: "in how many of 64 bits the hashes of nearly equal pictures may differ (10)",
    },
  },
  examples: [
    "ocelli data pets",
    "ocelli data pets --html pets.html --open",
    "ocelli data 'shards/*.tar' --json",
  ],
  async run({ operands: [path], texts, integers, switches }, output) {
    const { openDataset } = await import("../data/datasets.ts");
    const { openForSurvey } = await import("../survey/open.ts");
    const { MOST_NEAR_BITS, survey } = await import("../survey/survey.ts");
    const { surveyLines } = await import("../survey/lines.ts");
    const { tellProgress } = await import("../runs/forecast.ts");
    const nearBits = integers.get("near");
    if (nearBits !== undefined && nearBits > MOST_NEAR_BITS) {
      throw new OcelliError(
        "argument",
        `--near must be at most ${MOST_NEAR_BITS}, not ${nearBits}.`,
      );
    }
    const dataset = await openForSurvey(path, async () => openDataset(await dataAt(path, "data")));
    const progress = tellProgress(output, "reading", "images");
    const result = await survey(dataset, { nearBits, progress });
    for (const line of surveyLines(result)) output.line(printableName(line));
    output.line(`time        ${result.seconds.toFixed(1)} s`);
    const asked = texts.get("html");
    if (asked === undefined && !switches.has("open")) return result;
    const { writeSurveyPage } = await import("../survey/page.ts");
    const file = asked ?? join(await mkdtemp(join(tmpdir(), "ocelli-data-")), "data.html");
    await writeSurveyPage(file, path, dataset, result);
    output.line(`page        ${file}`);
    if (switches.has("open")) openInBrowser(file);
    return { ...result, page: file };
  },
};
