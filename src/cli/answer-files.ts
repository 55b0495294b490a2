/** @file Where `ocelli predict --out` writes: a line for each answer, or a folder with a picture of each map. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { diskError, writeAtomically } from "../files.ts";
import type { Answer } from "../tasks/index.ts";
import { openLines } from "./lines.ts";

/** Answers on their way to files. */
export interface AnswerWriter {
  /** Whether the answers are shown beside. */
  readonly shows: boolean;
  /** Writes an answer, `shown` as JSON; the file that it alone has. */
  write(id: string, answer: Answer, shown: object): Promise<string | undefined>;
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/** Names of files of lines. */
const LINES = /\.(jsonl|ndjson|json|txt)$/i;
/** The values of a map that has a palette. */
const VALUES = 256;

/** Opens `out` for answers like the first: maps go into a folder, unless it is called like a file of lines. */
export async function openAnswers(out: string, { kind }: Answer): Promise<AnswerWriter> {
  if (kind === "map" && !LINES.test(out)) return openFolder(out);
  const lines = await openLines(out);
  return {
    shows: false,
    async write(_, __, shown) {
      await lines.line(JSON.stringify(shown));
      return undefined;
    },
    commit: () => lines.commit(),
    discard: () => lines.discard(),
  };
}

async function openFolder(out: string): Promise<AnswerWriter> {
  await mkdir(out, { recursive: true }).catch((error: unknown) => {
    throw diskError(out, error);
  });
  // loaded here so that help answers at once
  const { writePngMap } = await import("../formats/png.ts");
  const { classColour } = await import("../tasks/index.ts");
  const { freeName, imageStem } = await import("../data/readers/images.ts");
  const colours = Array.from({ length: VALUES }, (_, value) => classColour(value));
  const taken = new Set<string>();
  return {
    shows: true,
    async write(id, answer) {
      if (answer.kind !== "map") return undefined;
      const file = join(out, `${freeName(imageStem(id), taken)}.png`);
      await writeAtomically(file, [writePngMap(answer.map, colours)]);
      return file;
    },
    commit: () => Promise.resolve(),
    discard: () => Promise.resolve(),
  };
}
