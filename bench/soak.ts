/**
 * @file Whether memory stays flat: a small training of many steps, its resident memory told twenty times on the way.
 *
 *   node bench/soak.ts [STEPS]
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import quickstart from "../recipes/quickstart.ts";
import { train } from "../src/train/train.ts";

const steps = Number(process.argv[2] ?? 100_000);
const dir = mkdtempSync(join(tmpdir(), "ocelli-soak-"));
const megabytes = () => Math.round(process.memoryUsage.rss() / 1e6);
const seen: { step: number; rss: number }[] = [];
const line = (text: string): void => {
  const [, step] = /^step (\d+)\//.exec(text) ?? [];
  if (step === undefined) return;
  seen.push({ step: Number(step), rss: megabytes() });
  console.log(`${step} steps: ${megabytes()} MB`);
};
try {
  await train(
    {
      ...quickstart,
      split: "train[:2000]",
      evals: { test: { split: "test[:100]", every: { steps: steps / 20 } } },
      batchSize: 8,
      duration: { steps },
      log: { steps: steps / 20 },
      model: { name: "vit", patchSize: [14, 14], width: 16, depth: 1, mlpDim: 32, numHeads: 2 },
    },
    { workdir: join(dir, "run"), reporter: { line, status: () => undefined, terminal: false } },
  );
  const late = seen.slice(seen.length / 2).map(({ rss }) => rss);
  console.log(JSON.stringify({ steps, seen, secondHalf: [Math.min(...late), Math.max(...late)] }));
} finally {
  rmSync(dir, { recursive: true });
}
