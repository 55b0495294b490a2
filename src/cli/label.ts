/** @file `ocelli label`: pictures are labelled on a local page, the least certain and most alike first. */

import { once } from "node:events";
import { join, resolve } from "node:path";
import { OcelliError, unknownName } from "../errors.ts";
import { type Command, USE_FLAG } from "./command.ts";
import { openInBrowser } from "./open-browser.ts";
import { printableName } from "./printable.ts";
import { BACKBONE_FLAGS, architectureOf } from "./transfer.ts";

const LAST_PORT = 65_535;
const FORMS = ["folders"] as const;

export const label: Command = {
  name: "label",
  summary: "Label the pictures of a folder by keyboard, on a local page",
  operands: "DIR",
  arity: [1, 1],
  flags: {
    model: {
      type: "text",
      value: "NAME|RUN|FILE|hf:…",
      help: "backbone (default: efficientnet-lite0)",
    },
    classes: { type: "text", value: "A,B,…", help: "classes to begin with, in the order of keys" },
    out: {
      type: "text",
      value: "PATH",
      help: "table of labels (default: DIR/labels.csv); with --to, the folder (default: DIR-classes)",
    },
    to: {
      type: "text",
      value: FORMS.join("|"),
      help: "copy the pictures of DIR/labels.csv into a folder per class instead",
    },
    port: { type: "integer", help: "port (default: 6466)" },
    open: { type: "switch", help: "show the page in a browser" },
    architecture: BACKBONE_FLAGS.architecture,
    preprocess: BACKBONE_FLAGS.preprocess,
    engine: BACKBONE_FLAGS.engine,
    use: USE_FLAG,
  },
  examples: [
    "ocelli label pictures --open",
    "ocelli label pictures --classes cat,dog --model runs/pretrain",
    "ocelli transfer --data pictures/labels.csv",
    "ocelli label pictures --to folders --out pets",
  ],
  async run({ operands: [dir], texts, integers, switches }, output) {
    const to = texts.get("to");
    if (to !== undefined) {
      if (!FORMS.some((form) => form === to)) throw unknownName("form", to, FORMS, "argument");
      return copy(join(dir, "labels.csv"), texts.get("out") ?? `${resolve(dir)}-classes`);
    }
    const port = integers.get("port") ?? 6466;
    if (port > LAST_PORT) {
      throw new OcelliError("argument", `--port must be at most ${LAST_PORT}, not ${port}.`);
    }
    const { tellProgress } = await import("../runs/forecast.ts");
    const table = texts.get("out") ?? join(dir, "labels.csv");
    const { serveLabels } = await import("../label/server.ts");
    const server = await serveLabels(dir, {
      model: texts.get("model"),
      classes: texts.get("classes")?.split(","),
      ...{ table, port },
      engine: texts.get("engine"),
      architecture: architectureOf(texts.get("architecture")),
      preprocessing: texts.get("preprocess"),
      progress: tellProgress(output, `features of ${dir}`, "images"),
      report: (line) => output.line(line),
    });
    for (const { id, reason } of server.problems) {
      output.line(printableName(`left out ${id}: ${reason}`));
    }
    output.line(`${server.url} labels the pictures of ${dir}; Ctrl-C ends it`);
    if (switches.has("open")) openInBrowser(server.url);
    await Promise.race(["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal)));
    await server.close();
    const { labelled, total } = server.session.view();
    const { shellWord } = await import("../runs/run.ts");
    const next = labelled > 0 ? `: ocelli transfer --data ${shellWord(table)}` : "";
    output.line(`${labelled} of ${total} pictures are labelled${next}`);
    return { url: server.url, table, labelled, total };

    async function copy(from: string, into: string) {
      const { openLabels } = await import("../label/labels-file.ts");
      const { copyToFolders } = await import("../label/folders.ts");
      const file = await openLabels(from);
      if (file.labels.size === 0) {
        throw new OcelliError("data", `${from} has no labels.`, {
          hint: `Label them first: ocelli label ${dir}.`,
        });
      }
      const { copied, kept, folder } = await copyToFolders(file, into);
      const there = kept > 0 ? `, ${kept} were there already` : "";
      output.line(`copied ${copied} pictures into ${folder}${there}; the originals stay`);
      return { folder, copied, kept };
    }
  },
};
