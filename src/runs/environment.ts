/** @file The machine and the versions that a run was made with. */

import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** What is recorded of the surroundings. */
export interface Environment {
  readonly ocelli: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
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
    cores: processors.length,
    memoryBytes: totalmem(),
    engine: engine.name,
    engineDescription: engine.description,
  };
}
