/**
 * @file One of several processes that train together, as a program: `node cluster-member.ts JOB`, JOB as JSON.
 *
 * No plugin for CPUs computes over several processes. A stand-in takes its place: every process computes the whole, from
 * the shares of all, which go through the cluster's store. A program starts when all processes have come to it, as it
 * does where devices sum over processes. What is left to prove is the loop's part: shares, who writes, stops, losses.
 */

import type { DeviceArray, Engine, Executable } from "../../src/engines/engine.ts";
import { meshSize } from "../../src/engines/mesh.ts";
import type { OpenOptions } from "../../src/engines/select.ts";
import { createXlaEngine } from "../../src/engines/xla/index.ts";
import type { ClusterPlace } from "../../src/engines/cluster/place.ts";
import { type HostArray, sizeOf, typedArray } from "../../src/graph/dtype.ts";
import { bytesOf } from "../../src/formats/bytes.ts";
import type { ConfigInput } from "../../src/config/config.ts";
import { resume, train } from "../../src/train/train.ts";

/** What a process is told to do. */
export interface Job {
  readonly place: ClusterPlace;
  readonly workdir: string;
  /** A run begins; without one the run of the folder goes on. */
  readonly config?: ConfigInput;
}

/** Tiny programs need no optimised code. */
const QUICK = { xla_backend_optimization_level: 0, xla_llvm_disable_expensive_passes: true };

/** Opens the stand-in; without a cluster the engine itself. */
export async function openStandIn({ mesh, cluster }: OpenOptions): Promise<Engine> {
  const engine = createXlaEngine({ plugin: "xla-cpu", mesh, compiler: QUICK });
  if (!cluster) return engine;
  const { index, processes, wait, store } = cluster;
  const own = meshSize(mesh!) / processes;
  const places = Array.from({ length: own }, (_, i) => index * own + i);
  /** What every process brings to a meeting, in their order. */
  const meet = (name: string, bytes: Uint8Array = new Uint8Array()): Promise<Uint8Array[]> => {
    store.write(`${name}/${index}`, bytes);
    return Promise.all(Array.from({ length: processes }, (_, i) => wait(`${name}/${i}`)));
  };
  let uploads = 0;
  let runs = 0;
  return {
    name: engine.name,
    description: engine.description,
    mesh,
    part: { processes, index, places },
    dispose: () => engine.dispose(),
    async compile(program, options): Promise<Executable> {
      const executable = await engine.compile(program, options);
      const { inputs, outputs } = executable;
      const run: Executable["run"] = async (arrays) => {
        await meet(`run/${runs++}`);
        return executable.run(arrays);
      };
      const dispose = (): void => executable.dispose();
      return { inputs, outputs, run, dispose, [Symbol.dispose]: dispose };
    },
    async upload(array, sharding, rows): Promise<DeviceArray> {
      if (!rows) return engine.upload(array, sharding);
      const shares = await meet(`upload/${uploads++}`, bytesOf(array));
      return engine.upload(joined(array, rows.of, shares), sharding);
    },
  };
}

/** The whole array from the bytes of its shares. */
function joined(like: HostArray, rows: number, shares: readonly Uint8Array[]): HostArray {
  const shape = [rows, ...like.shape.slice(1)];
  const data = typedArray(like.dtype, sizeOf(shape));
  new Uint8Array(data.buffer).set(Buffer.concat(shares.map((share) => Buffer.from(share))));
  return { shape, dtype: like.dtype, data };
}

if (import.meta.main) {
  const { place, workdir, config } = JSON.parse(process.argv[2]) as Job;
  const stop = new AbortController();
  process.on("SIGINT", () => stop.abort());
  const reporter = { line: console.log, status: () => undefined, terminal: false };
  const options = { cluster: place, engine: openStandIn, signal: stop.signal, reporter };
  const training = config ? train(config, { ...options, workdir }) : resume(workdir, options);
  const ended = await training.then(
    ({ steps, evals, interrupted }) => ({ steps, evals, interrupted }),
    (error: Error) => ({ error: error.message }),
  );
  console.log(`ended ${JSON.stringify(ended)}`);
  process.exit();
}
