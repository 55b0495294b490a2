/**
 * @file Whether pretraining pays where labels are few: `pretrain`, then `transfer` with 20 labels a class, beside `transfer` of the same
 * network untrained, and of EfficientNet-Lite0. All settings were written down before the first full run.
 *
 *   node bench/few-labels/run.ts [WORKDIR]
 *
 * Metric: accuracy on `test`, which each transfer reads once. Split: `pretrain` sees the pictures of `train` without labels; a transfer
 * takes 20 of each class, picked by a seed, the same for all three. Nothing is tuned. It holds where the mean over the seeds is higher
 * than that of the untrained network by the margin; how far it is behind EfficientNet-Lite0 is told, and asks for nothing.
 */

import { readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ConfigInput } from "../../src/config/config.ts";
import type { DataConfig } from "../../src/data/config.ts";
import { writeAtomically } from "../../src/files.ts";
import { type PretrainMethod } from "../../src/pretrain/choose.ts";
import { pretrain } from "../../src/pretrain/pretrain.ts";
import { inLockedFolder } from "../../src/runs/lock/lock.ts";
import { endedResult, trainOnce } from "../../src/train/once.ts";
import type { Reporter } from "../../src/train/watch/progress.ts";
import { transfer } from "../../src/transfer/classification/transfer.ts";
import { resume } from "../../src/transfer/resume.ts";

/** What is compared. */
export interface FewLabelsSettings {
  readonly minutes: number;
  /** Default: `pretrain` chooses. */
  readonly method?: PretrainMethod;
  /** Labels of each class. */
  readonly shots: number;
  readonly seeds: readonly number[];
  /** By how much the pretrained network is to be better than the untrained one, as a share. */
  readonly margin: number;
  /** Published weights to tell the distance to. */
  readonly published: string;
}

/** An hour of pretraining, three seeds, and 5 points. */
const SETTINGS: FewLabelsSettings = {
  ...{ minutes: 60, shots: 20, seeds: [0, 1, 2], margin: 0.05 },
  published: "efficientnet-lite0",
};

/** Options of {@link fewLabels}. */
export interface FewLabelsOptions {
  readonly data: DataConfig;
  readonly workdir: string;
  readonly settings?: FewLabelsSettings;
  readonly engine?: string;
  readonly signal?: AbortSignal;
  readonly reporter: Reporter;
}

/** What {@link fewLabels} found: means over the seeds. */
export interface FewLabels {
  readonly accuracy: Readonly<Record<string, readonly number[]>>;
  readonly gain: number;
  /** By how much the published weights are better. */
  readonly behind: number;
  readonly holds: boolean;
}

const [PRETRAINED, UNTRAINED, PUBLISHED] = ["pretrained", "untrained", "published"] as const;
/** Steps without a rate, in which normalisations see pictures. */
const STILL = 100;

/**
 * Runs what is missing of the comparison; begun again in the same folder it resumes.
 *
 * @throws the signal's reason where it is aborted
 */
export async function fewLabels(options: FewLabelsOptions): Promise<FewLabels> {
  const { workdir, settings = SETTINGS, reporter } = options;
  return inLockedFolder(workdir, { report: (line) => reporter.line(line) }, async () => {
    const trained = join(workdir, PRETRAINED);
    await pretrained(trained, options, settings);
    const untrained = join(workdir, UNTRAINED);
    const config = JSON.parse(await readFile(join(trained, "config.json"), "utf8")) as ConfigInput;
    await finish(
      trainOnce(
        untrained,
        {
          ...config,
          ...{ name: UNTRAINED, optimizer: { name: "sgd", lr: 0 }, evals: {}, checkpoint: {} },
          duration: {
            steps: Math.min(STILL, "steps" in config.duration ? config.duration.steps : STILL),
          },
        },
        options,
      ),
      options,
    );
    const accuracy: Record<string, number[]> = {};
    const models = {
      [PRETRAINED]: trained,
      [UNTRAINED]: untrained,
      [PUBLISHED]: settings.published,
    };
    for (const [name, model] of Object.entries(models)) {
      accuracy[name] = [];
      for (const seed of settings.seeds) {
        accuracy[name].push(await accuracyOf(`${name}-${seed}`, model, seed, options, settings));
      }
    }
    const mean = (name: string): number =>
      accuracy[name].reduce((sum, value) => sum + value, 0) / settings.seeds.length;
    const gain = mean(PRETRAINED) - mean(UNTRAINED);
    const behind = mean(PUBLISHED) - mean(PRETRAINED);
    return { accuracy, gain, behind, holds: gain >= settings.margin };
  });
}

/** A training that ended; where the signal stopped it, its reason is thrown. */
async function finish(
  running: Promise<{ readonly interrupted: boolean }>,
  { signal }: FewLabelsOptions,
): Promise<void> {
  const { interrupted } = await running;
  if (interrupted) throw signal!.reason;
}

async function pretrained(
  folder: string,
  options: FewLabelsOptions,
  { minutes, method }: FewLabelsSettings,
): Promise<void> {
  const { data, engine, signal, reporter } = options;
  if (await endedResult(folder)) return;
  const running = { engine, signal, reporter };
  if (existsSync(join(folder, "config.json"))) return finish(resume(folder, running), options);
  await rm(folder, { recursive: true, force: true }); // killed while steps were measured
  return finish(pretrain(data, { ...running, minutes, method, workdir: folder }), options);
}

/** The accuracy of one transfer, kept in a file. */
async function accuracyOf(
  name: string,
  model: string,
  seed: number,
  { data, workdir, engine, signal, reporter }: FewLabelsOptions,
  { shots }: FewLabelsSettings,
): Promise<number> {
  const path = join(workdir, `transfer-${name}.json`);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text !== undefined) return (JSON.parse(text) as { accuracy: number }).accuracy;
  const folder = join(workdir, `transfer-${name}`);
  await rm(folder, { recursive: true, force: true });
  const { accuracy, interrupted } = await transfer(data, {
    ...{ model, shots, seed, test: "test", workdir: folder, batchSize: 64 },
    ...{ engine, signal, reporter },
  });
  if (interrupted) throw signal!.reason;
  await writeAtomically(path, `${JSON.stringify({ model, seed, shots, accuracy })}\n`);
  return accuracy!;
}

/** The comparison as lines for people. */
export function describeFewLabels(
  { accuracy, gain, behind, holds }: FewLabels,
  { shots, margin, published }: FewLabelsSettings = SETTINGS,
): string[] {
  const percent = (value: number): string => (100 * value).toFixed(1);
  return [
    ...Object.entries(accuracy).map(
      ([name, values]) =>
        `${name.padEnd(20)} ${values.map(percent).join("  ")} %, ${shots} labels a class`,
    ),
    `pretraining gains ${percent(gain)} points, ${percent(margin)} asked for: ${holds ? "holds" : "does not hold"}`,
    `${published} is ${percent(Math.abs(behind))} points ${behind >= 0 ? "ahead" : "behind"}`,
  ];
}
