/**
 * @file `node bench/text.ts CASE…`: how fast the tokenizers of recorded cases (scripts/tokenizer-cases.py) encode the
 * cases' own lines, in MB of UTF-8 a second of one core. The first pass, with nothing remembered, is a figure of its own.
 */

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { openTokenizer, parseTokenizerCard } from "../src/text/index.ts";

const PASSES = 7;

/** Seconds of CPU that work takes, all threads of this process. */
function measure(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

interface CaseFile {
  readonly card: unknown;
  readonly vocabulary_file: string;
}

async function benchCase(folder: string): Promise<void> {
  const readJson = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, name), "utf8"));
  const { card, vocabulary_file } = (await readJson("case.json")) as CaseFile;
  const { lines } = (await readJson("lines.json")) as { readonly lines: readonly string[] };
  const bytes = await readFile(join(folder, vocabulary_file));
  const megabytes = Buffer.byteLength(lines.join("")) / 1e6;
  const open = () => openTokenizer(parseTokenizerCard(card), bytes);
  const opened = measure(open);
  const { encode } = open();
  const speeds = Array.from(
    { length: PASSES },
    () => megabytes / measure(() => lines.forEach((line) => encode(line))),
  );
  const [first, ...others] = speeds;
  const median = others.sort((a, b) => a - b)[Math.floor(others.length / 2)];
  console.log(
    `${basename(folder).padEnd(24)} ${median.toFixed(2)} MB/s, first pass ${first.toFixed(2)} MB/s, ` +
      `${megabytes.toFixed(2)} MB, opened in ${opened.toFixed(2)} s of CPU`,
  );
}

for (const folder of process.argv.slice(2)) await benchCase(folder);
