/**
 * @file Runs the comparison of `few-labels.ts` on CIFAR-10, or Fashion-MNIST where that is not here. Ctrl-C stops it; the same command
 * resumes.
 *
 *   node bench/few-labels/run.ts [WORKDIR]
 */

import { join } from "node:path";
import { PHOTOGRAPHS } from "../../papers/photographs.ts";
import { firstHere } from "../../src/data/first-here.ts";
import { describeFewLabels, fewLabels } from "./few-labels.ts";

const workdir = process.argv[2] ?? join("runs", "few-labels");
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
const reporter = {
  terminal: false,
  line: (text: string) => console.log(text),
  status: () => undefined,
};
try {
  const data = await firstHere(PHOTOGRAPHS);
  const found = await fewLabels({ data, workdir, reporter, signal: stop.signal });
  for (const line of describeFewLabels(found)) console.log(line);
  console.log(JSON.stringify(found));
} catch (error) {
  if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
  console.log("stopped; the same command resumes");
  process.exitCode = 130;
}
