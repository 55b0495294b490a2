/** @file `ocelli push`: a run on the hub, with a model card. */

import { OcelliError } from "../errors.ts";
import { sizeText } from "../files.ts";
import { type Command, USE_FLAG } from "./command.ts";

export const push: Command = {
  name: "push",
  summary: "Push a trained model to the Hugging Face hub, with a model card",
  operands: "RUN OWNER/NAME",
  arity: [2, 2],
  flags: {
    license: {
      type: "text",
      value: "ID",
      help: "license of the model, such as apache-2.0, mit or cc-by-4.0 (required)",
    },
    dataset: {
      type: "list",
      value: "ID",
      help: "a data set of the hub that it was trained on; may be given several times",
    },
    private: { type: "switch", help: "make a repository that its owner alone can see" },
    out: { type: "text", value: "DIR", help: "folder of the files (default: RUN/hub)" },
    "dry-run": { type: "switch", help: "write and list the files, send nothing" },
    use: USE_FLAG,
  },
  examples: [
    "ocelli push runs/pets ada/pets --license apache-2.0 --dry-run",
    "HF_TOKEN=hf_… ocelli push runs/pets ada/pets --license apache-2.0",
    "ocelli predict hf:ada/pets cat.jpg",
  ],
  async run({ operands: [run, name], texts, lists, switches }, output) {
    const license = texts.get("license");
    if (license === undefined) {
      throw new OcelliError("argument", "ocelli push needs --license.", {
        hint: "Such as apache-2.0, mit or cc-by-4.0; other where none fits.",
      });
    }
    const { pushModel } = await import("../push/push.ts");
    const folder = texts.get("out");
    const result = await pushModel(run, name, {
      ...(folder !== undefined && { folder }),
      license,
      datasets: lists.get("dataset"),
      private: switches.has("private"),
      dryRun: switches.has("dry-run"),
      report: (line) => output.line(line),
      onPhase: (phase) => output.status(phase),
    });
    for (const [file, bytes] of Object.entries(result.files)) {
      output.line(`${file.padEnd(24)}${sizeText(bytes)}`);
    }
    output.line(
      result.url === undefined
        ? `nothing was sent; ${result.folder} holds the files`
        : `${result.url}; it opens as hf:${name}`,
    );
    return result;
  },
};
