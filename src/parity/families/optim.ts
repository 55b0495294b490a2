/** @file Cases of optimisers and schedules: `config` and `schedules` hold big_vision's arguments. */

import { OcelliError, unknownName } from "../../errors.ts";
import { type Tensor, add, fromNumbers } from "../../graph/index.ts";
import {
  type Optimizer,
  type OptimizerConfig,
  type OptimizerState,
  type ScheduleConfig,
  type TrainingLength,
  makeOptimizer,
  makeSchedule,
  optimizerChoice,
  scheduleSchema,
} from "../../optim/index.ts";
import { type TreeStructure, flatten, unflatten } from "../../tree.ts";
import type { Engine } from "../../engines/engine.ts";
import {
  type Arrays,
  type Case,
  type Json,
  type JsonObject,
  camelKeys,
  inputOf,
  numberAt,
  objectAt,
  under,
} from "../case.ts";
import type { Computed } from "../compare.ts";
import { compileNamed } from "../compute.ts";
import type { Family } from "../family.ts";

const lengthOf = (given: JsonObject): TrainingLength => ({
  totalSteps: numberAt(given, "total_steps") ?? 1,
  batchSize: numberAt(given, "batch_size"),
  examples: numberAt(given, "data_size"),
});

/** big_vision's schedule arguments as ours: durations by unit become one value each. */
function scheduleConfig(given: JsonObject): ScheduleConfig {
  const { base, linear_end: linearEnd, decay_type: decayType = "stair", ...rest } = given;
  const config: Record<string, Json | undefined> = { decayType };
  if (base !== undefined) config.mult = base;
  if (linearEnd !== undefined) config.end = linearEnd;
  for (const [key, value] of Object.entries(rest)) {
    const [, name, unit] =
      /^(warmup|cooldown|timescale|shift)_(steps|examples|epochs|percent)$/.exec(key) ?? [];
    if (value === null || value === undefined) continue;
    if (!unit) Object.assign(config, camelKeys({ [key]: value }));
    else config[name] = { [unit]: unit === "percent" ? 100 * Number(value) : value };
  }
  return checked("schedule", scheduleSchema, config);
}

/** optax's names as ours, with what differs in the names and defaults of their options. */
const RULES: Readonly<
  Record<string, { name: OptimizerConfig["name"]; rename?: JsonObject; defaults?: JsonObject }>
> = {
  scale_by_adam: { name: "adam" },
  scale_by_lion: { name: "lion" },
  trace: { name: "momentum", rename: { decay: "momentum", accumulator_dtype: "dtype" } },
  identity: { name: "sgd" },
  "big_vision.sgd": { name: "sgd" },
  "big_vision.momentum_hp": { name: "momentum", defaults: { dtype: "bfloat16" } },
  "big_vision.scale_by_adafactor": { name: "adafactor" },
};

function optimizerConfig(given: JsonObject): OptimizerConfig {
  const {
    optax_name: optaxName,
    optax,
    schedule,
    grad_clip_per_example: perExample,
    ...rest
  } = given;
  if (perExample) throw new OcelliError("unsupported", "clipping per example is not supported.");
  const rule = String(optaxName);
  if (!Object.hasOwn(RULES, rule)) throw unknownName("optimiser", rule, Object.keys(RULES));
  const { name, rename = {}, defaults = {} } = RULES[rule];
  const options = Object.entries({ ...defaults, ...objectAt({ optax }, "optax") })
    .filter(([key, value]) => value !== null || key === "momentum")
    .map(([key, value]) => [String(rename[key] ?? key), value] as const);
  const rules = Array.isArray(schedule)
    ? (schedule as readonly [string, JsonObject | null][]).map(([pattern, it]) => [
        pattern,
        it && scheduleConfig(it),
      ])
    : scheduleConfig(objectAt({ schedule }, "schedule"));
  const present = Object.entries(rest).filter(
    ([key, value]) => value !== null && key !== "weight_decay_decouple", // always decoupled
  );
  return checked("config", optimizerChoice(), {
    name,
    schedule: rules,
    ...camelKeys(Object.fromEntries(present)),
    ...camelKeys(Object.fromEntries(options)),
  });
}

interface Schema<T> {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: PropertyKey[]; message: string }[] } };
}

function checked<T>(what: string, schema: Schema<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  throw new OcelliError("format", `case.json: ${what} ${path.map(String).join(".")}: ${message}.`);
}

/** Schedules over recorded steps. */
async function computeSchedules({ description, inputs }: Case, engine: Engine): Promise<Computed> {
  const length = lengthOf(description);
  const schedules = Object.entries(objectAt(description, "schedules")).map(([name, given]) => {
    return [name, makeSchedule(scheduleConfig(given as JsonObject), length)] as const;
  });
  const run = compileNamed(engine, ({ steps }) =>
    Object.fromEntries(schedules.map(([name, schedule]) => [name, schedule(steps)])),
  );
  return { outputs: await run({ steps: inputOf(inputs, "steps") }) };
}

/** Steps of an optimiser over recorded gradients. */
async function computeSteps(given: Case, engine: Engine): Promise<Computed> {
  const { description, inputs, params: first } = given;
  const config = optimizerConfig(objectAt(description, "config"));
  const optimizer = makeOptimizer(config, lengthOf(objectAt(description, "schedule_arguments")));
  const { init, step } = stepPrograms(optimizer, engine);
  const names = Object.keys(first);
  const steps = new Set(Object.keys(inputs).map((name) => name.split("/")[1]));
  const outputs: Record<string, Arrays[string]> = {};
  let [params, state] = [first, await init(first)];
  for (let s = 0; s < steps.size; s++) {
    const grads = Object.fromEntries(
      names.map((name) => [name, inputOf(inputs, `grads/${s}/${name}`)]),
    );
    const counter = { step: fromNumbers([s], [], "int32") };
    const results = await step(params, grads, state, counter);
    state = under(results, "state/");
    const updates = under(results, "updates/");
    params = { ...params, ...under(results, "params/") };
    for (const name of names) {
      outputs[`updates/${s}/${name}`] = updates[name] ?? zerosLike(first[name]);
      outputs[`params/${s + 1}/${name}`] = params[name];
    }
    Object.entries(under(results, "schedule")).forEach(([i, rate]) => {
      outputs[`schedule${i}/${s}`] = rate;
    });
  }
  return {
    outputs,
    unchecked: (name) => name.startsWith("final_state/"), // positional, "for debugging"
    rounding: keepsNarrowState(config) ? { rtol: 1e-2, share: 1e-3 } : undefined,
  };
}

const zerosLike = ({ shape, dtype, data }: Arrays[string]): Arrays[string] =>
  fromNumbers(new Float32Array(data.length), shape, dtype);

/** Whether a moment is stored in a dtype narrower than float32. */
function keepsNarrowState(config: OptimizerConfig): boolean {
  if (config.name === "adafactor") return (config.dtypeMomentum ?? "bfloat16") !== "float32";
  if (config.name === "momentum") return (config.dtype ?? "float32") !== "float32";
  if (config.name === "sgd" || config.name === "lars") return false;
  return (config.muDtype ?? "float32") !== "float32";
}

/** Initialisation and one step of an optimiser, over named arrays with the state flat. */
function stepPrograms(optimizer: Optimizer, engine: Engine) {
  let structure: TreeStructure | undefined;
  const flat = (state: OptimizerState): Record<string, Tensor> => {
    const { leaves, structure: found } = flatten<Tensor>(state);
    structure = found;
    return Object.fromEntries(leaves.map((leaf, i) => [String(i).padStart(6, "0"), leaf]));
  };
  const init = compileNamed(engine, (params) => flat(optimizer.init(params)));
  const step = compileNamed(engine, (params, grads, held, counter) => {
    const state = unflatten(structure!, Object.values(held)) as OptimizerState;
    const result = optimizer.update(grads, state, params, { step: counter.step });
    const named = (prefix: string, tensors: Readonly<Record<string, Tensor>>) =>
      Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor] as const);
    const moved = Object.fromEntries(
      Object.entries(result.updates).map(([name, update]) => [name, add(params[name], update)]),
    );
    return Object.fromEntries([
      ...named("updates/", result.updates),
      ...named("params/", moved),
      ...named("state/", flat(result.state)),
      ...optimizer.schedules.map(
        (schedule, i) => [`schedule${i}`, schedule(counter.step)] as const,
      ),
    ]);
  });
  return { init, step };
}

export const optim: Family = {
  name: "optim",
  model: /optax: make|create_learning_rate_schedule/,
  compute: (given, engine) =>
    given.description.schedules ? computeSchedules(given, engine) : computeSteps(given, engine),
};
