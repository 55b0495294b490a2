/** @file `ocelli data`: what a data set holds, and what may be wrong with it, before anything is trained. */

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OcelliError } from "../errors.ts";
import type { Dataset } from "../data/source.ts";
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
      help: "bits of 64 in which the hashes of nearly equal pictures may differ (default: 10)",
    },
    deep: {
      type: "switch",
      help: "also find, by a model's features, nearly equal pictures, leaks between splits, likely wrong labels and outliers",
    },
    model: {
      type: "text",
      value: "NAME|RUN|FILE|hf:…",
      help: "for --deep: model (default: efficientnet-lite0)",
    },
    alike: {
      type: "text",
      value: "COSINE",
      help: "for --deep: cosine similarity from which pictures count as nearly equal (default: 0.85)",
    },
    engine: {
      type: "text",
      value: "E",
      help: "for --deep: engine, one of auto, ort, xla-cpu, … (default: auto)",
    },
  },
  examples: [
    "ocelli data pets",
    "ocelli data pets --deep --html pets.html --open",
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
    const plain = await survey(dataset, { nearBits, progress });
    const deep = await lookDeep(dataset);
    const result = { ...plain, ...(deep && { deep }) };
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

    async function lookDeep(dataset: Dataset) {
      if (!switches.has("deep")) {
        const lone = ["model", "alike", "engine"].find((flag) => texts.has(flag));
        if (lone === undefined) return undefined;
        throw new OcelliError("argument", `--${lone} is for --deep.`, { hint: "Add --deep." });
      }
      const { deepSurvey } = await import("../survey/deep/deep.ts");
      return deepSurvey(dataset, {
        ...{ model: texts.get("model"), engine: texts.get("engine") },
        alike: cosineOf(texts.get("alike")),
        progress: tellProgress(output, "features", "images"),
        report: (line) => output.line(line),
      });
    }
  },
};

function cosineOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value < 1) return value;
  throw new OcelliError("argument", `--alike must be between 0 and 1, not "${text}".`);
}
