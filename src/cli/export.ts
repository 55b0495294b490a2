/** @file `ocelli export`: a trained model for other programs. */

import { join } from "node:path";
import { OcelliError, unknownName } from "../errors.ts";
import { sizeText } from "../files.ts";
import type { Drift, DriftReport } from "../served/exporting/drift.ts";
import type { OnnxOptions } from "../served/exporting/onnx-model.ts";
import { type Command, type Output, USE_FLAG } from "./command.ts";

const FORMATS = ["onnx", "safetensors", "npz", "web"] as const;
/** Formats of ONNX models. */
const ONNX: readonly string[] = ["onnx", "web"];
const LAYOUTS: readonly OnnxOptions["layout"][] = ["NHWC", "NCHW"];
const WEIGHTS: readonly OnnxOptions["weights"][] = ["float32", "float16"];

export const exportCommand: Command = {
  name: "export",
  summary: "Export a trained model to ONNX, safetensors or npz, or to a folder for the web",
  operands: "RUN",
  arity: [1, 1],
  flags: {
    to: { type: "text", value: FORMATS.join("|"), help: "format (required)" },
    out: {
      type: "text",
      value: "FILE|DIR",
      help: "output file, or the folder for web and for two towers (default: RUN/model.FORMAT or RUN/web)",
    },
    tower: {
      type: "text",
      value: "image|text",
      help: "of a model of images and texts, one tower as an ONNX model (default: both)",
    },
    layout: {
      type: "text",
      value: LAYOUTS.join("|"),
      help: "order of the axes of an ONNX model's input (default: NHWC)",
    },
    output: {
      type: "text",
      value: "NAME",
      help: "output of an ONNX model: logits, probabilities, embed, … (default: the task's main one)",
    },
    weights: {
      type: "text",
      value: WEIGHTS.join("|"),
      help: "how an ONNX model's weights are stored (default: float32; web writes both)",
    },
    data: {
      type: "text",
      value: "PATH",
      help: "for web: pictures to measure the drift on (default: the split that the run was judged by)",
    },
    "no-page": {
      type: "switch",
      help: "for web: leave out the page with its script and engine, for a page of your own",
    },
    use: USE_FLAG,
  },
  examples: [
    "ocelli export runs/quickstart --to onnx",
    "ocelli export runs/quickstart --to web --out site/digits",
    "ocelli export runs/quickstart --to onnx --layout NCHW --output probabilities",
    "ocelli export runs/quickstart --to npz --out params.npz",
    "ocelli export runs/pairs --to onnx --tower text --out words.onnx",
  ],
  async run({ operands: [run], texts, switches }, output) {
    const to = texts.get("to");
    if (to === undefined) {
      throw new OcelliError("argument", "ocelli export needs --to.", {
        hint: `Valid: ${FORMATS.join(", ")}.`,
        valid: FORMATS,
      });
    }
    const format = among("format", to, FORMATS);
    for (const flag of ["layout", "output", "weights", "tower"]) {
      if (texts.has(flag) && !ONNX.includes(to)) {
        throw new OcelliError("argument", `--${flag} is for ONNX models, not for ${to}.`, {
          hint: `Leave it out, or give --to ${ONNX.join(" or ")}.`,
        });
      }
    }
    const how: Partial<OnnxOptions> = {
      layout: optional("layout", texts.get("layout"), LAYOUTS),
      output: texts.get("output"),
      tower: texts.get("tower"),
    };
    const weights = optional("kind of weights", texts.get("weights"), WEIGHTS);
    const report = (line: string): void => output.line(line);
    if (format === "web") {
      if (weights) {
        throw new OcelliError("argument", "--to web writes float32 and float16.", {
          hint: "Leave --weights out; a page chooses: loadClassifier(url, { weights }).",
        });
      }
      const { dataAt } = await import("./data.ts");
      const { exportForWeb } = await import("../served/exporting/web-folder.ts");
      const named = texts.get("data");
      const page = !switches.has("no-page");
      const data = named === undefined ? undefined : await dataAt(named, "export");
      const where = { folder: texts.get("out") };
      const result = await exportForWeb(run, { ...where, data, report, page, ...how });
      const { folder } = result;
      for (const [name, bytes] of Object.entries(result.files)) {
        output.line(`${join(folder, name).padEnd(folder.length + 22)}${sizeText(bytes)}`);
      }
      if (result.drift) showDrift(result.drift, output);
      output.line(
        page
          ? `any web server can serve ${folder} as it is, such as: npx serve ${folder}`
          : `your page opens it by ${result.towers ? "loadTowers" : "loadClassifier"}(URL of ${folder}) of ocelli/web`,
      );
      return result;
    }
    if (switches.has("no-page")) {
      throw new OcelliError("argument", "--no-page is for --to web, which alone writes a page.");
    }
    if (texts.has("data")) {
      throw new OcelliError("argument", "--data is for --to web, which measures the drift on it.");
    }
    const { exportModel } = await import("../served/exporting/export.ts");
    const options = ONNX.includes(format) ? { ...how, weights } : {};
    const result = await exportModel(run, {
      to: format,
      file: texts.get("out"),
      report,
      ...options,
    });
    for (const [name, bytes] of Object.entries(result.files ?? {})) {
      output.line(`${name.padEnd(22)}${sizeText(bytes)}`);
    }
    const more = result.data === undefined ? "" : `; keep ${result.data} beside it`;
    output.line(`${result.file}: ${sizeText(result.bytes)}${more}`);
    return result;
  },
};

/** Lines that say how far the files are from the run. */
function showDrift({ data, split, pictures, files }: DriftReport, output: Output): void {
  output.line(`drift from the run on ${pictures} pictures of ${data} ${split}:`);
  for (const [name, drift] of Object.entries(files))
    output.line(`  ${name}: ${driftLine(drift, pictures)}`);
}

function driftLine({ largest, magnitude, sameAnswers }: Drift, pictures: number): string {
  const same =
    sameAnswers === undefined ? "" : `; ${sameAnswers} of ${pictures} answers are the same`;
  return `values differ by at most ${largest.toExponential(1)} of ${magnitude.toPrecision(3)}${same}`;
}

/** One of some names; an error with the nearest for another. */
function among<T extends string>(what: string, name: string, valid: readonly T[]): T {
  const found = valid.find((one) => one === name);
  if (found === undefined) throw unknownName(what, name, valid, "argument");
  return found;
}

const optional = <T extends string>(what: string, name: string | undefined, valid: readonly T[]) =>
  name === undefined ? undefined : among(what, name, valid);
