/** @file `ocelli export`: a trained model for other programs. */

import { join } from "node:path";
import { OcelliError, unknownName } from "../errors.ts";
import type { ExportFormat } from "../served/export.ts";
import { type Command, USE_FLAG } from "./command.ts";

const FORMATS: readonly ExportFormat[] = ["onnx", "safetensors", "npz"];

export const exportCommand: Command = {
  name: "export",
  summary: "Export a trained model to ONNX, safetensors or npz",
  operands: "RUN",
  arity: [1, 1],
  flags: {
    to: { type: "text", value: FORMATS.join("|"), help: "format (required)" },
    out: { type: "text", value: "FILE", help: "output file (default: RUN/model.FORMAT)" },
    use: USE_FLAG,
  },
  examples: [
    "ocelli export runs/quickstart --to onnx",
    "ocelli export runs/quickstart --to npz --out params.npz",
  ],
  async run({ operands: [run], texts }, output) {
    const to = texts.get("to");
    if (to === undefined) {
      throw new OcelliError("argument", "ocelli export needs --to.", {
        hint: `Valid: ${FORMATS.join(", ")}.`,
        valid: FORMATS,
      });
    }
    if (!isFormat(to)) throw unknownName("format", to, FORMATS, "argument");
    const { exportModel } = await import("../served/export.ts");
    const file = texts.get("out") ?? join(run.replace(/[\w.-]*\.safetensors$/, ""), `model.${to}`);
    const result = await exportModel(run, { to, file, report: (line) => output.line(line) });
    const beside = result.data === undefined ? "" : `; keep ${result.data} beside it`;
    output.line(`${file}: ${(result.bytes / 1e6).toFixed(2)} MB${beside}`);
    return result;
  },
};

const isFormat = (name: string): name is ExportFormat =>
  (FORMATS as readonly string[]).includes(name);
