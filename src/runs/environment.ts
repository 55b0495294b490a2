/** @file The machine and the versions that a run was made with. */

import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** What is recorded of the surroundings. */
export interface Environment {
  readonly ocelli: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  /** Vector instructions that the processor has, where the system tells. */
  readonly processorFeatures: readonly string[];
  readonly cores: number;
  readonly memoryBytes: number;
  /** The engine's name and what it says of itself. */
  readonly engine: string;
  readonly engineDescription: string;
}

/** The version of this package. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** The surroundings of this process with an engine. */
export function describeEnvironment(engine: { name: string; description: string }): Environment {
  const processors = cpus();
  return {
    ocelli: packageVersion(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    processor: processors[0]?.model ?? "unknown",
    processorFeatures: processorFeatures(),
    cores: processors.length,
    memoryBytes: totalmem(),
    engine: engine.name,
    engineDescription: engine.description,
  };
}

/** Features that decide which kernels an engine takes, and so the last digits of its results. */
function processorFeatures(): string[] {
  try {
    const [, flags] = /^(?:flags|Features)\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))!;
    return flags.split(" ").filter((flag) => /^(avx|amx|fma|sse4|asimd|sve|i8mm|bf16)/.test(flag));
  } catch {
    return [];
  }
}

/** What decides whether a resumed run gives the unbroken run's numbers, by its name for people. */
const DECISIVE: readonly (readonly [name: string, key: keyof Environment])[] = [
  ["Ocelli", "ocelli"],
  ["platform", "platform"],
  ["processor", "processor"],
  ["processor features", "processorFeatures"],
  ["engine", "engine"],
  ["engine build", "engineDescription"],
];

/** What changed between two environments that may change numbers, such as `engine: ort before, xla-cpu now`. */
export function describeChanges(before: Partial<Environment>, now: Environment): string[] {
  return DECISIVE.flatMap(([name, key]) => {
    const [old, current] = [String(before[key]), String(now[key])];
    return old === current ? [] : [`${name}: ${old} before, ${current} now`];
  });
}
