/** @file Training by several processes: one of them writes, all stop after the same step, none goes on without the others. */

import { type JoinedCluster, joinCluster } from "../../engines/cluster/join.ts";
import type { ClusterPlace } from "../../engines/cluster/place.ts";
import { OcelliError } from "../../errors.ts";
import type { Run } from "../../runs/run.ts";
import type { Config } from "../../config/config.ts";
import { type RunFolder, witnessRun } from "./follower.ts";

/** What the processes tell one another. */
const KEYS = { config: "train/config", folder: "train/folder", stop: "train/stop" };

/**
 * Steps between the wish to stop and the stop. A process reads the metrics of a step, which needs all processes, before
 * it starts the step after the next: none is ahead of another by more than two, and so each learns of it in time.
 */
const STEPS_AHEAD = 3;

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

/** Runs a training in its cluster, if there is one; another process's end before its time is an error here too. */
export async function together<T>(
  place: ClusterPlace | undefined,
  config: Config,
  run: (cluster?: JoinedCluster) => Promise<T>,
): Promise<T> {
  if (!place) return run();
  checkConfig(config);
  const cluster = await joinCluster(place);
  try {
    agree(cluster, config);
    const result = await Promise.race([run(cluster), cluster.lost]);
    await cluster.leave();
    return result;
  } catch (error) {
    await cluster.leave(error);
    throw error;
  }
}

function checkConfig({ mesh, onBadImage }: Config): void {
  if (mesh === undefined) {
    throw new OcelliError("config", "several processes need a mesh over the devices of all.", {
      hint: "Such as --mesh data=16 for two with eight devices each.",
    });
  }
  if (onBadImage !== "error") {
    throw new OcelliError(
      "config",
      `onBadImage is "${onBadImage}"; several processes take "error".`,
      {
        hint: "Each reads only its share of a batch, and cannot know which images the others leave out.",
      },
    );
  }
}

/** An error where this process's configuration is not the others'; where the data lies may differ. */
function agree({ index, store }: JoinedCluster, config: Config): void {
  const others = decode(store.claim(KEYS.config, encode(config))) as Record<string, unknown>;
  const mine = decode(encode(config)) as Record<string, unknown>;
  const differs = Object.keys({ ...mine, ...others }).find(
    (key) => key !== "data" && JSON.stringify(mine[key]) !== JSON.stringify(others[key]),
  );
  if (differs === undefined) return;
  const [here, there] = [mine, others].map((it) => JSON.stringify(it[differs]));
  throw new OcelliError(
    "config",
    `process ${index} has another ${differs} than the others: ${here}, not ${there}.`,
  );
}

/** The run folder: process 0 opens it, the others look on. */
export async function openTogether(
  cluster: JoinedCluster | undefined,
  open: () => Promise<Run>,
): Promise<RunFolder> {
  if (!cluster) return open();
  if (cluster.index > 0) return witnessRun(decode(await cluster.wait(KEYS.folder)) as string);
  const run = await open();
  cluster.store.write(KEYS.folder, encode(run.folder));
  return run;
}

/** Whether training ends before a step because its signal was aborted; the processes of a cluster say the same. */
export function stopper(
  signal: AbortSignal | undefined,
  cluster: JoinedCluster | undefined,
): (step: number) => boolean {
  if (!cluster) return () => signal?.aborted ?? false;
  const { store } = cluster;
  return (step) => {
    const wish = signal?.aborted && encode(step + STEPS_AHEAD);
    const agreed = wish ? store.claim(KEYS.stop, wish) : store.read(KEYS.stop);
    return agreed !== undefined && step >= (decode(agreed) as number);
  };
}
