/** @file What a training says: lines for people, and metrics in the run folder. */

import { describeSize, shortForm } from "../../data/short-form.ts";
import type { Engine } from "../../engines/engine.ts";
import type { Config } from "../../config/config.ts";
import { Forecast, describeSeconds } from "../../runs/forecast.ts";
import { CurveBuilder } from "../../runs/read-curves.ts";
import type { Values } from "../../served/pass.ts";
import type { Plan } from "../plan/plan.ts";
import {
  type Report,
  type Reporter,
  describeReport,
  describeStatus,
  showMetric,
} from "./progress.ts";
import type { RunFolder } from "../devices/follower.ts";

/** Tells a training to people and to its run folder. */
export interface Journal {
  /** What is about to happen. */
  begin(config: Config, plan: Plan, engine: Engine): void;
  /** Hears that a step is under way; the first ones say how long the training will take. */
  step(step: number): void;
  /** How the steps since the last report went. */
  progress(report: Report): void;
  evaluation(step: number, name: string, values: Values): void;
  line(text: string): void;
}

/** Values of an evaluation on its line; all of them are in the metrics. */
const SHOWN = 6;

/** Cells of the losses that a terminal shows, at most. */
const SPARK = 16;

/** A journal of a training of `total` steps, `perEpoch` of which are an epoch. */
export function createJournal(
  run: RunFolder,
  reporter: Reporter,
  { total, perEpoch }: { readonly total: number; readonly perEpoch: number },
): Journal {
  const count = (value: number): string => value.toLocaleString("en");
  const forecast = new Forecast();
  const losses = new CurveBuilder(SPARK);
  return {
    step(step) {
      const left = forecast.see(step, total);
      if (left === undefined) return;
      if (reporter.expect) reporter.expect(left);
      else reporter.line(`time    ${describeSeconds(left)} for ${count(total - step)} steps`);
    },
    line: (text) => reporter.line(text),
    begin({ data, split, model, batchSize }, { source, sources, notes, card, parameters }, engine) {
      reporter.line(`data    ${data.name} ${split}: ${describeSize(source, card.names)}`);
      for (const line of shortForm(sources)) reporter.line(`        ${line}`);
      for (const note of notes) reporter.line(`        ${note}`);
      reporter.line(`model   ${model.name}: ${count(parameters)} parameters`);
      reporter.line(`engine  ${engine.name}: ${engine.description}`);
      reporter.line(`run     ${run.folder}: ${count(total)} steps of ${batchSize}`);
    },
    progress(report) {
      const { step, means, imagesPerSecond, dataWait } = report;
      run.log({ step, ...means, imagesPerSecond, dataWait });
      losses.add(step, means.loss);
      if (!reporter.terminal || step === total) {
        reporter.line(describeReport(report, { total, perEpoch }));
      } else {
        reporter.status(describeStatus(report, { total, perEpoch }, losses.curve().means));
      }
    },
    evaluation(step, name, values) {
      const entries = Object.entries(values);
      const named = entries.map(([key, value]) => [`${name}/${key}`, value]);
      run.log({ step, ...(Object.fromEntries(named) as Values) });
      const shown = entries.map(([key, value]) => `${key} ${showMetric(key, value)}`);
      const more = shown.length > SHOWN ? ` · … ${shown.length - SHOWN} more` : "";
      reporter.line(`step ${step} · ${name}: ${shown.slice(0, SHOWN).join(" · ")}${more}`);
    },
  };
}
