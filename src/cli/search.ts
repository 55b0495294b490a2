/** @file `ocelli search`: the pictures of a folder found by words, by a picture, or by both. */

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { OcelliError } from "../errors.ts";
import type { writeSearchPage } from "../search/page.ts";
import { type Call, type Command, type Output, USE_FLAG } from "./command.ts";
import { openInBrowser } from "./open-browser.ts";
import { printableName } from "./printable.ts";
import { stoppable } from "./stoppable.ts";

export const search: Command = {
  name: "search",
  summary: "Search a folder of pictures by words, by a picture, or by both",
  operands: "index DIR | WORDS",
  arity: [0, 2],
  flags: {
    model: {
      type: "text",
      value: "RUN|NAME|hf:…",
      help: "model of the index (default: that of the index, or efficientnet-lite0); only a run of the task contrastive knows words",
    },
    out: {
      type: "text",
      value: "INDEX",
      help: "where search index writes (default: .ocelli-search in DIR)",
    },
    index: {
      type: "text",
      value: "INDEX|DIR",
      help: "index to search (default: that of this folder, or the one made last)",
    },
    image: {
      type: "text",
      value: "IMAGE|URL|-",
      help: "a picture to search for, alone or with words",
    },
    top: { type: "integer", help: "number of pictures (default: 10)" },
    html: { type: "text", value: "FILE", help: "write a page with the pictures too" },
    open: { type: "switch", help: "show the page in a browser" },
    "batch-size": { type: "integer", help: "batch size of search index (default: 16)" },
    engine: { type: "text", value: "E", help: "engine: auto, ort, xla-cpu, … (default: auto)" },
    use: USE_FLAG,
  },
  examples: [
    "ocelli search index holiday --model runs/pairs",
    'ocelli search "a red bird" --open',
    "ocelli search index holiday",
    "ocelli search --image bird.jpg --index holiday --top 20",
    'ocelli search "at night" --image bridge.jpg --json',
  ],
  async run(call, output) {
    const [first, second] = call.operands;
    if (first !== "index") {
      if (second === undefined) {
        const page = await import("../search/page.ts");
        return find(first, call, output, page.writeSearchPage);
      }
      throw new OcelliError("argument", `"${second}" is too much: words are one operand.`, {
        hint: `Put them in quotes: ocelli search "${first} ${second}".`,
      });
    }
    if (second !== undefined) return makeIndex(second, call, output);
    throw new OcelliError("argument", "ocelli search index needs a folder.", {
      hint: "Such as ocelli search index holiday.",
    });
  },
};

async function makeIndex(folder: string, { texts, integers }: Call, output: Output) {
  refuse(texts, ["index", "image", "html"], "is for searching, not for search index");
  const { indexFolder } = await import("../search/build.ts");
  const { tellProgress } = await import("../runs/forecast.ts");
  const result = await stoppable(
    output,
    (signal) =>
      indexFolder(folder, {
        model: texts.get("model"),
        out: texts.get("out"),
        engine: texts.get("engine"),
        batchSize: integers.get("batch-size"),
        report: (line) => output.line(printableName(line)),
        progress: tellProgress(output, "vectors", "images"),
        signal,
      }),
    "stopping after this batch; Ctrl-C again stops at once",
  );
  for (const { id, reason } of result.problems) {
    output.line(printableName(`left out ${id}: ${reason}`));
  }
  const { pictures, added, changed, kept, removed, unchanged, skipped, model } = result;
  const counts = { new: added, changed, moved: kept, removed, unchanged, "left out": skipped };
  const shown = Object.entries(counts).flatMap(([what, count]) =>
    count > 0 ? [`${count} ${what}`] : [],
  );
  output.line(
    printableName(
      `${result.index}: ${pictures} pictures (${shown.join(", ")}), ${result.seconds.toFixed(1)} s`,
    ),
  );
  const knows = model.words
    ? "searches by words and by a picture"
    : "searches by a picture (--image), not by words; for words, index with --model RUN, a run of the task contrastive";
  output.line(printableName(`${model.spec} ${knows}`));
  if (result.interrupted) output.line("stopped before the end: the same command resumes it");
  return result;
}

async function find(
  text: string | undefined,
  call: Call,
  output: Output,
  writePage: typeof writeSearchPage,
) {
  const { texts, integers, switches } = call;
  refuse(texts, ["out"], "is for search index");
  const image = texts.get("image");
  if (text === undefined && image === undefined) {
    throw new OcelliError("argument", "ocelli search needs words or --image.", {
      hint: 'Such as ocelli search "a red bird".',
    });
  }
  const { openSearch } = await import("../search/search.ts");
  const report = (line: string): void => output.line(printableName(line));
  const searcher = await openSearch(texts.get("index"), {
    ...{ model: texts.get("model"), engine: texts.get("engine"), report },
  });
  try {
    const { manifest, index, pictures } = searcher;
    if (!manifest.complete) {
      report(
        `${index} is not finished: ${pictures} pictures so far; ocelli search index resumes it`,
      );
    }
    const query = { text, image };
    const hits = await searcher.search(query, integers.get("top"));
    for (const { image: path, score, missing } of hits) {
      output.result(
        printableName(
          `${score.toFixed(3)}  ${shownPath(path)}${missing ? "  (there no more)" : ""}`,
        ),
      );
    }
    if (hits.length === 0) report(`${index} has no pictures`);
    const page = await pageOf(texts.get("html"), switches.has("open"), (file) =>
      writePage(file, query, hits, searcher),
    );
    if (page !== undefined) report(`page   ${page}`);
    return { index, model: manifest.model, pictures, hits, ...(page !== undefined && { page }) };
  } finally {
    await searcher.dispose();
  }
}

/** A path as one would type it here. */
function shownPath(path: string): string {
  const here = relative(".", path);
  return here.startsWith("..") ? path : here;
}

/** Writes a page where one is asked for, and shows it; its file. */
async function pageOf(
  asked: string | undefined,
  isShown: boolean,
  write: (file: string) => Promise<void>,
): Promise<string | undefined> {
  if (asked === undefined && !isShown) return undefined;
  const file = asked ?? join(await mkdtemp(join(tmpdir(), "ocelli-search-")), "search.html");
  await write(file);
  if (isShown) openInBrowser(file);
  return file;
}

/** An argument error where a flag of the other half of the command is given. */
function refuse(texts: Call["texts"], flags: readonly string[], why: string): void {
  const given = flags.find((name) => texts.has(name));
  if (given === undefined) return;
  throw new OcelliError("argument", `--${given} ${why}.`, { hint: "See ocelli search --help." });
}
