/** @file A run as one page: `report.html`, which needs nothing beside itself and asks nothing of the network. */

import { join } from "node:path";
import { writeAtomically } from "../files.ts";
import { valueName } from "./headline.ts";
import { showNumber, showTime, showValue } from "./list-show.ts";
import { flatten, isObject } from "./read-config.ts";
import { type RunSummary, runFolder } from "./read.ts";
import { unrecorded, unwritten } from "./report/absent.ts";
import { type Series, chart } from "./report/chart.ts";
import { mapPictures } from "./report/answers.ts";
import { type Part, factTable, framePage, none, scrolls } from "./report/frame.ts";
import { type Html, html } from "./report/html.ts";
import {
  type MapAnswers,
  type Material,
  type PicturesOf,
  readMaterial,
} from "./report/material.ts";
import { qualityParts } from "./report/classification/quality.ts";
import { SCRIPT } from "./report/script.ts";

/**
 * Writes `report.html` into a run folder, finished or not, and yields its path.
 *
 * @throws an argument error where the folder holds no run
 */
export async function writeReport(folder: string): Promise<string> {
  const file = join(folder, "report.html");
  await writeAtomically(file, await renderReport(folder));
  return file;
}

/** The report of a run folder, as HTML. */
export async function renderReport(folder: string): Promise<string> {
  return page(await readMaterial(await runFolder(folder)));
}

function page(material: Material): string {
  const { run } = material;
  return framePage({
    kicker: "report of a run",
    title: run.name,
    lead: html`<span class="badge ${run.state}">${run.state}</span> ${run.why}`,
    tiles: tiles(material),
    parts: partsOf(material),
    footer: `Metrics last written ${new Date(run.updated).toISOString().slice(0, 16).replace("T", " ")} UTC.`,
    script: SCRIPT,
  });
}

function partsOf(material: Material): Part[] {
  const { predictions, answers, augmented, problems, untrained, run, environment } = material;
  return [
    ["curves", "Curves", curveCharts(material)],
    ...(answers && !predictions
      ? [partOf(answers, run)]
      : predictions || material.isLabelled
        ? qualityParts(predictions, untrained, run)
        : []),
    [
      "augmented",
      "Inputs as the model sees them in training",
      augmented.length > 0
        ? html`<ul class="pictures">
            ${augmented.map(({ name, url }, k) => html`<li><img src="${url}" alt="Augmented input ${k + 1}" loading="lazy" /><span class="soft">${name.replace(/\.png$/, "")}</span></li>`)}
          </ul>`
        : unrecorded("The run recorded no inputs: a training writes some at its first step", run),
    ],
    ["problems", "Data problems", problemTable(problems, run)],
    [
      "timing",
      "Timing",
      factTable(
        "Timing of the training",
        timing(material),
        unwritten("No times were recorded", run),
      ),
    ],
    [
      "configuration",
      "Configuration",
      factTable(
        "The whole configuration",
        flatten(run.config),
        unwritten("The configuration cannot be read", run),
      ),
    ],
    [
      "environment",
      "Environment",
      factTable(
        "Machine and versions",
        flatten(environment),
        unwritten("The machine was not recorded", run),
      ),
    ],
  ];
}

const partOf = (
  answers: MapAnswers,
  run: RunSummary,
): [id: string, title: string, content: Html] => [
  ...(["answers", "Answers"] as const),
  answers.examples.length > 0 ? mapPictures(answers) : unwritten("There are no answers", run),
];

/** `1.12M` */
const shortCount = new Intl.NumberFormat("en", {
  notation: "compact",
  maximumSignificantDigits: 3,
});

function tiles({ run, result }: Material): [string, string][] {
  const of = run.measured === "training" ? " in training" : "";
  const { parameters, ece } = result;
  const { headline } = run;
  const name = valueName(headline?.metric ?? "");
  const tiles: [string, string | undefined][] = [
    [`${name}${of}`, headline && showValue(name, headline.value)],
    ["calibration error", typeof ece === "number" ? showValue("ece", ece) : undefined],
    [`loss${of}`, run.loss === undefined || name === "loss" ? undefined : showNumber(run.loss)],
    [
      run.totalSteps && run.totalSteps !== run.step ? `steps of ${run.totalSteps}` : "steps",
      run.step.toLocaleString("en"),
    ],
    ["time", run.seconds === undefined ? undefined : showTime(run.seconds)],
    ["model", run.model || undefined],
    ["parameters", typeof parameters === "number" ? shortCount.format(parameters) : undefined],
    ["engine", run.engine || undefined],
  ];
  return tiles.filter((tile): tile is [string, string] => tile[1] !== undefined);
}

/** Metrics with a better name for people. */
const TITLES: Readonly<Record<string, string>> = {
  gradNorm: "gradient norm",
  learningRate: "learning rate",
  imagesPerSecond: "images per second",
  dataWait: "waiting for data",
  skipped: "steps left out",
};

/** Charts of a page. */
const CHARTS = 40;

/** Charts of loss and headline come first; metrics of one kind share a chart. */
function curveCharts({ run, curves, omitted }: Material): Html {
  const first = ["loss", ...(run.headline ? [valueName(run.headline.metric)] : [])];
  const charts = new Map<string, Series[]>(first.map((kind) => [kind, []]));
  for (const [name, curve] of Object.entries(curves)) {
    if (curve.steps.length === 0 || (name === "skipped" && curve.highs.every((v) => v === 0)))
      continue;
    const at = name.lastIndexOf("/");
    const kind = name.slice(at + 1);
    const series = { name: at < 0 ? "training" : name.slice(0, at), curve };
    if (!charts.has(kind)) charts.set(kind, []);
    charts.get(kind)!.push(series);
  }
  const drawn = [...charts].filter(([, series]) => series.length > 0);
  if (drawn.length === 0) return unwritten("There are no metrics", run);
  const title = (kind: string): string => (Object.hasOwn(TITLES, kind) ? TITLES[kind] : kind);
  const rest = drawn.slice(CHARTS).reduce((sum, [, series]) => sum + series.length, omitted);
  return html`<div class="grid2">
      ${drawn.slice(0, CHARTS).map(([kind, series]) => chart(kind, title(kind), series))}
    </div>
    ${rest > 0 && html`<p class="soft">… and ${rest} more metrics, which are in metrics.jsonl.</p>`}`;
}

/** Problems listed in full; more are counted. */
const LISTED = 200;

function problemTable(problems: Material["problems"], run: RunSummary): Html {
  if (!problems) return unrecorded("The run recorded none", run);
  const { count, listed, pictures } = problems;
  const noted = pictures.map((kind) => pictureNote(kind));
  if (count === 0) return html`${none("None: every example could be read.")}${noted}`;
  return html`${noted}
    <div class="card">
      <p>${count} ${count === 1 ? "example was" : "examples were"} left out.</p>
      <div ${scrolls("Examples that were left out")}>
        <table>
          <thead>
            <tr>
              <th scope="col">example</th>
              <th scope="col">reason</th>
            </tr>
          </thead>
          <tbody>
            ${listed.slice(0, LISTED).map(
              ({ id, reason }) =>
                html`<tr>
                  <th scope="row">${id}</th>
                  <td>${reason}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${listed.length > LISTED && html`<p class="soft">… and ${listed.length - LISTED} more in problems.json.</p>`}
    </div>`;
}

/** Pictures that are named; all ids are in problems.json, up to a thousand. */
const NAMED = 12;

/** How many pictures may have been lost in decoding, and which. */
function pictureNote({ kind, count, ids }: PicturesOf): Html {
  const more = count > NAMED ? ", …" : "";
  return html`<p>
    ${count.toLocaleString("en")} ${count === 1 ? "picture is" : "pictures are"} ${kind}:
    <span class="soft">${ids.slice(0, NAMED).join(", ")}${more}</span>
  </p>`;
}

function timing({ run, curves, result }: Material): Record<string, string> {
  const mean = (name: string): number | undefined => {
    const values = curves[name]?.means ?? [];
    return values.length > 0 ? values.reduce((sum, v) => sum + v, 0) / values.length : undefined;
  };
  const rate = mean("imagesPerSecond");
  const wait = mean("dataWait");
  const { timing } = result;
  return {
    ...(run.seconds === undefined ? {} : { "whole run": showTime(run.seconds) }),
    ...(rate === undefined ? {} : { "images per second, mean": showNumber(rate) }),
    ...(wait === undefined ? {} : { "waiting for data": showValue("dataWait", wait) }),
    ...(isObject(timing) ? (flatten(timing) as Record<string, string>) : {}),
  };
}
