/** @file The hub's model card of a run: what the model is, how it was made and judged, and how to use it. */

import { sizeText } from "../files.ts";
import type { ModelCard } from "../models/index.ts";
import { type Json, isObject, modelTitle } from "../runs/read-config.ts";
import type { DriftReport } from "../served/exporting/drift.ts";
import { taskOf } from "../tasks/index.ts";

/** What a model card is written from. */
export interface CardSource {
  /** The repository, owner and name. */
  readonly name: string;
  /** A license by the hub's identifier, such as `apache-2.0`. */
  readonly license: string;
  /** Data sets by the hub's identifiers. */
  readonly datasets: readonly string[];
  readonly card: ModelCard;
  /** The run's `config.json`, `result.json` and `environment.json`, where there are such. */
  readonly config?: Json;
  readonly result?: Json;
  readonly environment?: Json;
  /** Of the ONNX files, where they are in the folder. */
  readonly drift?: DriftReport;
  /** Bytes by file. */
  readonly files: Readonly<Record<string, number>>;
}

/** The hub's names of what a task does. */
const PIPELINES: Readonly<Record<string, string>> = {
  classification: "image-classification",
  contrastive: "zero-shot-image-classification",
  features: "image-feature-extraction",
  segmentation: "image-segmentation",
};

/** Names that are listed in the card itself; more are counted. */
const LISTED = 100;

/** The whole text of `README.md`. */
export function readmeOf(source: CardSource): string {
  const sections = [
    opening(source),
    usage(source),
    names(source.card),
    results(source),
    preprocessing(source.card),
    training(source),
    files(source),
  ];
  return `${frontMatter(source)}\n${sections.filter(Boolean).join("\n\n")}\n`;
}

const titleOf = ({ name }: CardSource): string => name.split("/")[1];

/** Values of an evaluation by its name. */
function evaluations({ result }: CardSource): [name: string, values: [string, number][]][] {
  const evals = isObject(result?.evals) ? result.evals : {};
  return Object.entries(evals)
    .filter(([, values]) => isObject(values))
    .map(([name, values]) => [
      name,
      Object.entries(values as Json).filter(
        (entry): entry is [string, number] => typeof entry[1] === "number",
      ),
    ]);
}

/** JSON is YAML: every text is quoted, so that none is read as something else. */
const yaml = (value: unknown): string => JSON.stringify(value);

function frontMatter(source: CardSource): string {
  const { card, license, datasets } = source;
  const pipeline = PIPELINES[card.task.name];
  const measured = evaluations(source);
  const metrics = [...new Set(measured.flatMap(([, values]) => values.map(([name]) => name)))];
  const base = baseOf(source);
  const lines: [string, unknown][] = [
    ["license", license],
    ["library_name", "ocelli"],
    ["pipeline_tag", pipeline],
    ["tags", ["ocelli", "vision", card.model.name, ...(source.drift ? ["onnx"] : [])]],
    ["base_model", base?.startsWith("hf:") ? base.slice(3).split(/[@:]/)[0] : undefined],
    ["datasets", datasets.length > 0 ? datasets : undefined],
    ["metrics", metrics.length > 0 ? metrics : undefined],
    [
      "model-index",
      measured.length > 0 && pipeline
        ? [
            {
              name: titleOf(source),
              results: measured.map(([name, values]) => ({
                task: { type: pipeline },
                dataset: {
                  name: `${datasets[0] ?? "the run's own data"}, ${name}`,
                  type: datasets[0] ?? "custom",
                },
                metrics: values.map(([type, value]) => ({ type, value, name: `${name}/${type}` })),
              })),
            },
          ]
        : undefined,
    ],
  ];
  const given = lines.filter(([, value]) => value !== undefined);
  return `---\n${given.map(([key, value]) => `${key}: ${yaml(value)}`).join("\n")}\n---\n`;
}

const text = (value: unknown, otherwise: string): string =>
  typeof value === "string" && value !== "" ? value : otherwise;

function opening(source: CardSource): string {
  const { card, result } = source;
  const model = code(modelTitle({ model: card.model }));
  const parameters = typeof result?.parameters === "number" ? result.parameters : undefined;
  const size =
    parameters === undefined ? "" : ` with ${parameters.toLocaleString("en")} parameters`;
  return `# ${titleOf(source)}

This is ${model}${size} for the task \`${card.task.name}\`, trained for ${card.step.toLocaleString("en")} steps with
[Ocelli](https://www.npmjs.com/package/ocelli), in TypeScript.`;
}

/** The published weights that a run began with, by their name; undefined for files of this machine. */
function baseOf({ config }: CardSource): string | undefined {
  const from = [config?.transfer, config?.init].find(isObject)?.weights;
  const isPublished = typeof from === "string" && /^(hf:|pypi:|[\w-]+$)/.test(from);
  return isPublished ? from : undefined;
}

/** How a model is used: one that answers of a picture, and one of pictures and texts. */
const USES = {
  answers: {
    command: (name: string) => `npx ocelli predict hf:${name} photo.jpg`,
    node: (
      name: string,
    ) => `import { decodeImageFile, describeAnswer, loadPredictor } from "ocelli";

const model = await loadPredictor("hf:${name}");
const image = await decodeImageFile("photo.jpg", { alpha: model.alpha });
console.log((await model.predict([image])).map(describeAnswer));
await model.dispose();`,
    page: (name: string) => `import { describeAnswer, loadClassifier } from "ocelli/web";

const model = await loadClassifier("https://huggingface.co/${name}/resolve/main/");
console.log(describeAnswer(await model.predict(input.files[0])));`,
  },
  towers: {
    command: (name: string) => `npx ocelli search index PICTURES --model hf:${name}
    npx ocelli search "a red bird"`,
    node: (name: string) => `import { openModel } from "ocelli";

const model = await openModel("hf:${name}");
const { shape, data } = await model.texts.embed(["a red bird"]); // vectors of length 1
await model.dispose();`,
    page: (name: string) => `import { loadTowers, nearest } from "ocelli/web";

const towers = await loadTowers("https://huggingface.co/${name}/resolve/main/");
const vectors = await towers.embedPictures([...input.files]);
const [query] = await towers.embedTexts(["a red bird"]);
console.log(nearest(query, vectors));`,
  },
} as const;

function usage({ name, card, drift }: CardSource): string {
  const use = USES[taskOf(card).towers ? "towers" : "answers"];
  const browser = `
In a page, by WebGPU or WebAssembly:

\`\`\`js
${use.page(name)}
\`\`\``;
  return `## Use

    npm i ocelli
    ${use.command(name)}

In Node:

\`\`\`js
${use.node(name)}
\`\`\`
${drift ? browser : ""}`.trimEnd();
}

function names({ names }: ModelCard): string {
  const sections = Object.entries(names).filter(([, list]) => list.length > 0);
  if (sections.length === 0) return "";
  const listed = sections.map(([field, list]) => {
    const shown = list.slice(0, LISTED).map(code).join(", ");
    const more = list.length > LISTED ? ", and more in `labels.json`" : "";
    return `${list.length} names of \`${field}\`: ${shown}${more}.`;
  });
  return `## Labels\n\n${listed.join("\n\n")}`;
}

/** A text as Markdown's code, whatever is in it. */
const code = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ");
  return line.includes("`") ? `\`\` ${line} \`\`` : `\`${line}\``;
};

function results(source: CardSource): string {
  const rows = evaluations(source).flatMap(([name, values]) =>
    values.map(([metric, value]) => `| ${name} | ${metric} | ${Number(value.toPrecision(4))} |`),
  );
  if (rows.length === 0) return "";
  const split = isObject(source.config?.evals) ? source.config.evals : {};
  const splits = Object.entries(split).flatMap(([name, one]) =>
    isObject(one) && typeof one.split === "string"
      ? [`\`${name}\` judges the split \`${one.split}\`.`]
      : [],
  );
  return `## Results

| evaluation | metric | value |
| ---------- | ------ | ----- |
${rows.join("\n")}

${splits.join(" ")} The run measured this on its own data; nothing is known of other pictures.`.replace(
    "\n\n The",
    "\n\nThe",
  );
}

function preprocessing({ preprocessing, imageShape }: ModelCard): string {
  const [height, width, channels] = imageShape;
  return `## Preprocessing

    ${preprocessing}

gives an image of ${width} × ${height} with ${channels} channel${channels === 1 ? "" : "s"}. All of the calls above do this.`;
}

function training(source: CardSource): string {
  const { config, result, environment } = source;
  if (!config) return "";
  const settings = Object.entries(config).filter(
    ([key]) => key in TRAINED_BY && config[key] !== undefined,
  );
  const told = settings.map(
    ([key]) => `| ${TRAINED_BY[key]} | ${code(settingText(config[key]))} |`,
  );
  const base = baseOf(source);
  if (base !== undefined) told.unshift(`| begun with | ${code(base)} |`);
  const method = isObject(config.transfer) ? text(config.transfer.method, "") : "";
  if (method !== "") told.unshift(`| transfer | ${code(method)} |`);
  const engine = text(result?.engine, text(environment?.engine, ""));
  if (engine !== "") told.push(`| engine | ${code(engine)} |`);
  if (typeof environment?.ocelli === "string")
    told.push(`| Ocelli | ${code(environment.ocelli)} |`);
  return `## Training

| setting | value |
| ------- | ----- |
${told.join("\n")}`;
}

/** Settings that the card shows, by their names in a configuration. No path of the machine is among them. */
const TRAINED_BY: Readonly<Record<string, string>> = {
  seed: "seed",
  batchSize: "batch size",
  duration: "duration",
  optimizer: "optimizer",
};

const settingText = (value: unknown): string =>
  (typeof value === "object" ? JSON.stringify(value) : String(value)).replaceAll("|", "\\|");

function files({ files, drift }: CardSource): string {
  const rows = Object.entries(files).map(([name, bytes]) => {
    const what = FILES[name] ?? "";
    return `| \`${name}\` | ${sizeText(bytes)} | ${what} |`;
  });
  const drifts = Object.entries(drift?.files ?? {}).map(
    ([name, { largest, magnitude }]) =>
      `Values of \`${name}\` differ from the run's by at most ${largest.toExponential(1)} of ${magnitude.toPrecision(3)}.`,
  );
  return `## Files

| file | size | what |
| ---- | ---- | ---- |
${rows.join("\n")}
${drifts.length > 0 ? `\n${drifts.join(" ")} Measured on ${drift!.pictures} pictures.` : ""}`.trimEnd();
}

const FILES: Readonly<Record<string, string>> = {
  "checkpoint.safetensors": "all arrays, and the card in its metadata",
  "config.json": "the card: model, task, names, preprocessing",
  "model.onnx": "ONNX, float32",
  "model.float16.onnx": "ONNX with half floats",
  "image.onnx": "the tower of pictures as ONNX, float32",
  "image.float16.onnx": "the tower of pictures as ONNX with half floats",
  "text.onnx": "the tower of texts as ONNX, float32",
  "text.float16.onnx": "the tower of texts as ONNX with half floats",
  "tokenizer.vocabulary": "the vocabulary that texts are read by",
  "model.json": "how the ONNX files are called, and their drift",
  "labels.json": "what numbers stand for",
  "preprocess.json": "how a picture, or a text, becomes the input",
  "model.d.ts": "types for TypeScript",
};
