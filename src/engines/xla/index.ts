/** @file Opening the XLA engine: programs as StableHLO text, compiled and run by a PJRT plugin. */

import { OcelliError } from "../../errors.ts";
import { meshSize } from "../mesh.ts";
import { PLUGIN, XlaEngine, type XlaOptions } from "./engine.ts";
import { prepareEnvironment } from "./environment.ts";
import { findPlugin } from "./find-plugin.ts";
import { type ClientOptions, connectClient, createClient } from "./pjrt/client.ts";
import { cudaFolder } from "./pjrt/companions.ts";
import { withDevice } from "./no-device.ts";
import type { KeyValueStore } from "./pjrt/store.ts";

/** What to open: the plugin, the options of its client, and those of the engine. */
function prepare(options: XlaOptions) {
  const { plugin = PLUGIN, threads, client, mesh } = options;
  const found = findPlugin(plugin);
  prepareEnvironment(threads);
  const onCpu: ClientOptions = found.onCpu ? { cpu_device_count: mesh ? meshSize(mesh) : 1 } : {};
  const cuda = cudaFolder(found.library);
  const compiler = { ...(cuda ? { xla_gpu_cuda_data_dir: cuda } : {}), ...options.compiler };
  return { found, client: { ...onCpu, ...client }, options: { ...options, compiler } };
}

/**
 * Opens the XLA engine over an installed plugin, or any PJRT plugin's file.
 *
 * @example
 * const engine = createXlaEngine({ plugin: "xla-cpu" });
 */
export function createXlaEngine(given: XlaOptions = {}): XlaEngine {
  const { found, client, options } = prepare(given);
  const { plugin = PLUGIN } = given;
  const created = withDevice(plugin, () => createClient(found.library, client));
  return new XlaEngine(found, created, options);
}

/** A process's place among those that compute together. */
export interface Cluster {
  readonly processes: number;
  /** Of this process, from 0. */
  readonly index: number;
  /** Where they find one another. */
  readonly store: KeyValueStore;
}

/**
 * Opens the XLA engine in one process of several, each of which does the same: the mesh lies over the devices of all.
 *
 * @example
 * const store = folderStore("/shared/starts/17");
 * const cluster = { processes: 2, index: 0, store };
 * const engine = await connectXlaEngine({ plugin: "xla-cuda13", mesh: { data: 16 }, cluster });
 */
export async function connectXlaEngine({
  cluster: { processes, index, store },
  ...given
}: XlaOptions & { readonly cluster: Cluster }): Promise<XlaEngine> {
  const { found, client, options } = prepare(given);
  if (processes > 1 && (given.plugin ?? PLUGIN) === PLUGIN) throw alone(options, processes);
  const place: ClientOptions = processes > 1 ? { num_nodes: processes, node_id: index } : {};
  const connected = await connectClient(found.library, { ...place, ...client }, store);
  if (processes > 1 && connected.allDevices.every(({ addressable }) => addressable)) {
    await connected.owner.close();
    throw alone(options, processes);
  }
  return new XlaEngine(found, connected, options, { processes, index });
}

const alone = ({ plugin = PLUGIN }: XlaOptions, processes: number): OcelliError =>
  new OcelliError(
    "engine",
    `${plugin} computes over the devices of one process, not over those of ${processes}.`,
    { hint: "Take xla-cuda12 or xla-cuda13 with --cluster." },
  );

export { XlaEngine, type XlaOptions } from "./engine.ts";
export { folderStore } from "./pjrt/store.ts";
