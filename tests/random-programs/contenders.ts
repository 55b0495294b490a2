/** @file What random programs are run on: the engines, one of them over two devices, and JAX. */

import type { Engine } from "../../src/engines/engine.ts";
import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import { createOrtEngine } from "../../src/engines/ort/index.ts";
import { createXlaEngine } from "../../src/engines/xla/index.ts";
import type { HostArray, Program, Sharding, Spec } from "../../src/graph/index.ts";
import { runOn } from "./check.ts";
import { createJax } from "./jax.ts";
import type { Plan } from "./plan.ts";

/** Something that computes programs. */
export interface Contender {
  readonly name: string;
  /** Whether plans are drawn without what JAX is listed as different for. */
  readonly forJax?: boolean;
  /** Whether sums are made in parts, on several devices. */
  readonly inParts?: boolean;
  /** What a plan gives; `program` is what it builds. */
  run(plan: Plan, program: Program, inputs: readonly HostArray[]): Promise<HostArray[]>;
  dispose(): Promise<void>;
}

/** The names that {@link openContender} takes. */
export const CONTENDERS = ["interpreter", "ort", "xla-cpu", "xla-cpu-two", "jax"] as const;
export type ContenderName = (typeof CONTENDERS)[number];

const ofEngine = (name: string, engine: Engine): Contender => ({
  name,
  run: (_plan, program, inputs) => runOn(engine, program, inputs),
  dispose: () => engine.dispose(),
});

/** Every other array split along its first even axis: half of it on each device. */
function splitting({ shape }: Spec, i: number): Sharding | undefined {
  const axis = shape.findIndex((n) => n > 0 && n % 2 === 0);
  if (axis < 0 || i % 2 === 1) return undefined;
  return shape.slice(0, axis + 1).map((_, k) => (k === axis ? "data" : null));
}

/** One program over two devices. */
const overTwo = (engine: Engine): Contender => ({
  name: "xla-cpu over two devices",
  inParts: true,
  run: (_plan, program, inputs) => {
    const shardings = {
      inputs: program.inputs.map(splitting),
      outputs: program.outputs.map(splitting),
    };
    return runOn(engine, program, inputs, shardings);
  },
  dispose: () => engine.dispose(),
});

/** Opens one of {@link CONTENDERS}. */
export async function openContender(name: ContenderName): Promise<Contender> {
  switch (name) {
    case "interpreter":
      return ofEngine(name, createInterpreter());
    case "ort":
      return ofEngine(name, await createOrtEngine({ threads: 1 }));
    case "xla-cpu":
      return ofEngine(name, createXlaEngine({ plugin: "xla-cpu" }));
    case "xla-cpu-two":
      return overTwo(createXlaEngine({ plugin: "xla-cpu", mesh: { data: 2 } }));
    case "jax":
      return createJax();
  }
}
