import { afterAll, expect, test } from "vitest";
import { evaluate, jit } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import { type HostArray, type Tensor, fromNumbers, tensor, toNumbers } from "../../graph/index.ts";
import { modelSpecs } from "../../nn/index.ts";
import { makeOptimizer } from "../../optim/index.ts";
import { seededRandom } from "../../random.ts";
import { taskOf, wholeModel } from "../../tasks/index.ts";
import { makeEvalStep, makeInit, makeTrainStep } from "../../train/step.ts";
import { toFlat } from "../../tree.ts";
import { type Objective, OBJECTIVES, objectiveDefinition } from "../index.ts";
import { SELF_SUPERVISED } from "./index.ts";
import { monitors } from "./monitors.ts";
import { distantPermutations } from "./jigsaw.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());

const BATCH = 4;
const random = seededRandom("self-supervised");
const pictures = (side: number): HostArray =>
  fromNumbers(
    Array.from({ length: BATCH * side * side * 3 }, () => 2 * random.uniform() - 1),
    [BATCH, side, side, 3],
    "float32",
  );
const batch = {
  ...{ image: pictures(12), view1: pictures(12), view2: pictures(8) },
  label: fromNumbers([0, 1, 0, 1], [BATCH], "int32"),
};
const pair = { image: batch.image, view1: batch.view1, label: batch.label };
const VIT = {
  ...{ name: "vit", patchSize: [4, 4], width: 8, depth: 1, mlpDim: 16, numHeads: 2 },
  ...{ posemb: "sincos2d", poolType: "tok" },
};

/** Each objective at a tiny size. */
const OPTIONS: Readonly<Record<string, object>> = {
  simclr: { outputs: 8 },
  moco: { queue: 8, hidden: 8, outputs: 8 },
  byol: { hidden: 8, outputs: 8 },
  simsiam: { hidden: 4, outputs: 8 },
  swav: { prototypes: 6, hidden: 8, outputs: 8, queue: 6, frozenSteps: 1 },
  "barlow-twins": { outputs: 8 },
  vicreg: { outputs: 8 },
  dino: { outputs: 12, hidden: 8, bottleneck: 8, koLeo: 0.1 },
  ibot: { outputs: 12, hidden: 8, bottleneck: 8, sinkhorn: true },
  msn: { prototypes: 6, hidden: 8, outputs: 8 },
  mae: { decoder: { width: 8, depth: 1, numHeads: 2 } },
  simmim: {},
  supcon: { hidden: 8, outputs: 8 },
  exemplar: { outputs: 8 },
  "relative-patch": { patch: 4, outputs: 8, hidden: 8 },
  jigsaw: { patch: 4, outputs: 8, hidden: 8, permutations: 6, drawn: 2 },
};

/** Those that take two views and no more. */
const OF_PAIRS = ["simclr", "moco", "byol", "simsiam", "barlow-twins", "vicreg"];

const STEPS = 3;
const make = async (
  name: string,
  options: object = {},
  model: object = VIT,
): Promise<Objective> => {
  const task = taskOf({ model: model as never, task: { name: "features" }, names: {} });
  const given = {
    ...{
      model: task.model,
      whole: wholeModel(task),
      heads: task.heads,
      names: {},
      task: { name: "features" },
      totalSteps: STEPS,
    },
    batch: OF_PAIRS.includes(name) ? pair : batch,
    openTeacher: () => Promise.reject(new Error("no teacher")),
  };
  return objectiveDefinition(name).create({ ...OPTIONS[name], ...options }, given);
};

/** Equal but for float32's rounding. */
const near = (given: number, wanted: number): void =>
  expect(Math.abs(given - wanted)).toBeLessThan(1e-5 + 1e-6 * Math.abs(wanted));

const optimizer = makeOptimizer({ name: "sgd", lr: 0.05 }, { totalSteps: STEPS });

/** The state after some steps, and the metrics of each. */
async function run(objective: Objective, steps = STEPS) {
  const specs = Object.fromEntries(
    Object.entries(batch).map(([name, { shape, dtype }]) => [name, { shape, dtype }]),
  );
  const init = jit(engine, (key: Tensor) => makeInit(objective, optimizer, specs)(key) as never);
  const step = jit(engine, ((state: never, given: never) =>
    makeTrainStep(objective, optimizer)(state, given)) as never) as never as (
    state: unknown,
    given: typeof batch,
  ) => Promise<{ state: never; metrics: Readonly<Record<string, { read(): Promise<HostArray> }>> }>;
  let state: unknown = await init(fromNumbers([0, 7], [2], "uint32") as never);
  const metrics: Record<string, number>[] = [];
  const states: unknown[] = [state];
  for (let i = 0; i < steps; i++) {
    const next = await step(state, batch);
    const values = await Promise.all(
      Object.entries(next.metrics).map(
        async ([name, x]) => [name, toNumbers(await x.read())[0]] as const,
      ),
    );
    metrics.push(Object.fromEntries(values));
    state = next.state;
    states.push(state);
  }
  return { state, states, metrics };
}

type Read = { read(): Promise<HostArray> };
/** An evaluation's step. */
const judgeOf = (objective: Objective) =>
  jit(engine, ((given: never, one: never) =>
    makeEvalStep(objective)(given, one)) as never) as never as (
    given: unknown,
    one: object,
  ) => Promise<Record<string, Read>>;
const flatOf = async (tree: unknown): Promise<Record<string, number[]>> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(toFlat<Read>(tree as never)).map(
        async ([name, x]) => [name, toNumbers(await x.read())] as const,
      ),
    ),
  );

test("every objective has a row", () => {
  expect(Object.keys(OPTIONS).sort()).toEqual(SELF_SUPERVISED.map(({ name }) => name).sort());
  for (const definition of SELF_SUPERVISED) expect(OBJECTIVES).toContain(definition);
});

test.each(Object.keys(OPTIONS))("%s trains, and serves the model alone", async (name) => {
  const objective = await make(name);
  const { states, metrics } = await run(objective);
  for (const values of metrics) {
    expect(Object.values(values).every(Number.isFinite)).toBe(true);
    expect(values.skipped).toBe(0);
    expect(values.featureDeviation).toBeGreaterThan(0);
  }
  const [first, last] = [states[0], states.at(-1)] as { params: never; variables: never }[];
  const task = taskOf({ model: VIT as never, task: { name: "features" }, names: {} });
  const own = modelSpecs(task.model, batch.image);
  const served = objective.served!<Read>({ params: last.params, variables: last.variables });
  expect(Object.keys(toFlat(served.params)).sort()).toEqual(Object.keys(toFlat(own.params)).sort());
  expect(Object.keys(toFlat(served.variables))).toEqual([]);
  const [before, after] = [await flatOf(first.params), await flatOf(last.params)];
  const still = Object.keys(after).filter((key) => String(before[key]) === String(after[key]));
  const idle = /key\/bias$|Dense_\d\/bias$|mask_token|pos_embedding/; // of no gradient: under a softmax or a normalisation
  expect(still.filter((key) => !idle.test(key))).toEqual([]);
});

test.each(["moco", "byol", "dino", "ibot", "msn"])(
  "the teacher of %s is an average of the student",
  async (name) => {
    const momentum = 0.5;
    const objective = await make(name, { momentum });
    const { states } = await run(objective, 2);
    const [zeroth, first, second] = await Promise.all(
      (states as { params: never; variables: { teacher: { params: never } } }[]).map(
        async ({ params, variables }) => ({
          student: await flatOf(params),
          teacher: await flatOf(variables.teacher.params),
        }),
      ),
    );
    const at = (step: number): number =>
      name === "moco"
        ? momentum
        : 1 - ((1 - momentum) * (1 + Math.cos((Math.PI * step) / STEPS))) / 2;
    for (const key of Object.keys(zeroth.teacher)) {
      expect(zeroth.teacher[key]).toEqual(zeroth.student[key]);
      const check = (held: number[], old: number[], now: number[], keep: number): void =>
        held.forEach((x, i) => near(x, keep * old[i] + (1 - keep) * now[i]));
      check(first.teacher[key], zeroth.teacher[key], first.student[key], at(0));
      check(second.teacher[key], first.teacher[key], second.student[key], at(1));
    }
  },
);

test.each(Object.keys(OPTIONS))("padding changes nothing that %s is judged by", async (name) => {
  const objective = await make(name, name === "dino" ? { sinkhorn: true } : {});
  const { state } = await run(objective, 1);
  const judge = judgeOf(objective);
  const padded = async (fill: number): Promise<Record<string, number[]>> => {
    const last = (x: HostArray): HostArray => {
      const values = toNumbers(x);
      const kept = (values.length / BATCH) * (BATCH - 1);
      return fromNumbers(
        values.map((value, i) => (i < kept ? value : (fill * ((i % 7) - 3)) / 3)),
        x.shape,
        x.dtype,
      );
    };
    const { label, ...views } = batch;
    const images = Object.fromEntries(Object.entries(views).map(([key, x]) => [key, last(x)]));
    const mask = fromNumbers([1, 1, 1, 0], [BATCH], "float32");
    return flatOf(await judge(state, { ...images, label, mask }));
  };
  const [one, other] = [await padded(0), await padded(1)];
  expect(Object.keys(one)).toContain("featureDeviation");
  for (const [key, values] of Object.entries(one)) {
    values.forEach((value, i) => near(other[key][i], value));
  }
});

test("MoCo's queue takes in each batch's keys at the next place", async () => {
  const { states } = await run(await make("moco"), 3);
  const held = await Promise.all(
    (states as { variables: { state: { queue: Read; place: Read } } }[]).map(
      async ({ variables: { state } }) => ({
        queue: toNumbers(await state.queue.read()),
        place: toNumbers(await state.place.read())[0],
      }),
    ),
  );
  expect(held.map(({ place }) => place)).toEqual([0, 4, 0, 4]);
  const rows = (i: number, from: number): number[] => held[i].queue.slice(8 * from, 8 * (from + 4));
  expect(rows(1, 0)).not.toEqual(rows(0, 0));
  expect(rows(1, 4)).toEqual(rows(0, 4));
  expect(rows(2, 4)).not.toEqual(rows(1, 4));
  expect(rows(2, 0)).toEqual(rows(1, 0));
});

test("SwAV's codes are of the batch alone until its queue is full", async () => {
  const losses = async (options: object): Promise<number[]> => {
    const { metrics } = await run(await make("swav", options), 4);
    return metrics.map(({ loss }) => loss);
  };
  const alone = await losses({ queue: 0 });
  const queued = await losses({ queue: 2 * BATCH });
  expect(queued.slice(0, 2)).toEqual(alone.slice(0, 2));
  expect(queued[2]).not.toBe(alone[2]);
  const late = await losses({ queue: 2 * BATCH, queueFrom: 3 });
  expect(late.slice(0, 3)).toEqual(alone.slice(0, 3));
  expect(late[3]).not.toBe(alone[3]);
});

test.each<[string, object, string]>([
  [
    "moco",
    { version: 1, queue: 8, layers: 2 },
    "objective.layers is not an option of MoCo's version 1",
  ],
  ["moco", { version: 1, queue: 8 }, "objective.hidden is not an option of MoCo's version 1"],
  ["moco", { version: 3 }, "objective.queue is not an option of MoCo's version 3"],
  ["swav", { queue: undefined, queueFrom: 5 }, "objective.queueFrom needs a queue"],
  ["dino", { firstTemperature: 0.02 }, "objective.firstTemperature needs temperatureWarmup"],
  ["jigsaw", { patch: 5 }, "objective.patch 5 is larger than a cell of the 12×12 image"],
])("%s with %j says which option has no effect", async (name, options, message) => {
  await expect(make(name, options)).rejects.toThrow(message);
});

test("exemplar's margin counts of both kinds of triplets", async () => {
  const lossOf = async (options: object): Promise<number> =>
    (await run(await make("exemplar", options), 1)).metrics[0].loss;
  for (const triplets of ["semi-hard", "batch-hard"]) {
    const losses = [await lossOf({ triplets, margin: 20 }), await lossOf({ triplets, margin: 30 })];
    near(losses[1] - losses[0], 10);
  }
});

test("DINO adds KoLeo of both large views", async () => {
  const metricsOf = async (koLeo: number) =>
    (await run(await make("dino", { koLeo }), 1)).metrics[0];
  const [without, once, twice] = [await metricsOf(0), await metricsOf(1), await metricsOf(2)];
  expect(without.koLeo).toBeUndefined();
  near(once.loss - without.loss, once.koLeo);
  near(twice.loss - without.loss, 2 * once.koLeo);
});

test("an evaluation of one view is of that view twice, a training an error", async () => {
  const objective = await make("simclr");
  const { state } = await run(objective, 1);
  const judge = judgeOf(objective);
  const { loss, alignment } = await judge(state, { image: batch.image });
  expect(toNumbers(await alignment.read())[0]).toBeCloseTo(0, 6);
  expect(Number.isFinite(toNumbers(await loss.read())[0])).toBe(true);
  const task = taskOf({ model: VIT as never, task: { name: "features" }, names: {} });
  const given = {
    ...{
      model: task.model,
      whole: wholeModel(task),
      heads: task.heads,
      batch: { image: batch.image },
      names: {},
      task: { name: "features" },
      totalSteps: 1,
    },
    openTeacher: () => Promise.reject(new Error("no teacher")),
  };
  const simclr = objectiveDefinition("simclr");
  expect(() => simclr.create({}, given)).toThrow('a batch has no "view1"');
  expect(() => simclr.create({}, { ...given, batch })).toThrow(
    'simclr takes 2 views of an image; a batch has "view2" beside them.',
  );
});

test.each(["dino", "swav", "msn", "exemplar", "supcon", "jigsaw", "relative-patch"])(
  "%s says so of a model that learns positions of one size",
  async (name) => {
    const learned = make(name, {}, { ...VIT, posemb: "learn" });
    await expect(learned).rejects.toThrow(/images of .* for which its pos_embedding would be/);
    await expect(learned).rejects.toMatchObject({
      code: "config",
      hint: expect.stringContaining('posemb: "sincos2d"') as string,
    });
  },
);

test("what hides patches says so of a model that cannot", async () => {
  const model = { name: "resnet", depth: [1, 1], width: 0.25 };
  await expect(make("simmim", {}, model)).rejects.toThrow(
    "simmim hides patches, which this model cannot.",
  );
});

test("monitors are 1 of features that spread evenly, and 0 of one point", async () => {
  const read = async (values: Readonly<Record<string, Tensor>>): Promise<Record<string, number>> =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(values).map(
          async ([name, x]) => [name, toNumbers(await evaluate(engine, x))[0]] as const,
        ),
      ),
    );
  const axes = tensor([
    [2, 0, 0],
    [-2, 0, 0],
    [0, 1, 0],
    [0, -1, 0],
    [0, 0, 3],
    [0, 0, -3],
  ]);
  const even = await read(monitors(axes, axes));
  expect(even.featureDeviation).toBeCloseTo(1, 5);
  expect(even.effectiveRank).toBeCloseTo(3, 5);
  expect(even.alignment).toBeCloseTo(0, 6);
  // of each row's five pairs one is 2 apart and four are √2 apart
  expect(even.uniformity).toBeCloseTo(Math.log((Math.exp(-8) + 4 * Math.exp(-4)) / 5), 4);
  const line = tensor([
    [1, 1, 0],
    [2, 2, 0],
    [-1, -1, 0],
  ]);
  expect((await read(monitors(line))).effectiveRank).toBeCloseTo(1, 4);
  const one = await read(
    monitors(
      tensor([
        [1, 2],
        [2, 4],
      ]),
    ),
  );
  expect(one.featureDeviation).toBeCloseTo(0, 3);
  expect(one.uniformity).toBeCloseTo(0, 3);
});

test("permutations of the jigsaw are different, and far apart", () => {
  const orders = distantPermutations(20);
  const distance = (a: number[], b: number[]): number => a.filter((x, i) => x !== b[i]).length;
  const pairs = orders.flatMap((a, i) => orders.slice(0, i).map((b) => distance(a, b)));
  expect(Math.min(...pairs)).toBeGreaterThanOrEqual(6);
  expect(distantPermutations(20)).toEqual(orders);
});
