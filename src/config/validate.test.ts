import { expect, test } from "vitest";
import { z } from "zod";
import type { OcelliError } from "../errors.ts";
import { override } from "./overrides.ts";
import { pathsOf } from "./schema-walk.ts";
import { validate } from "./validate.ts";

const duration = z.union([
  z.strictObject({ steps: z.int() }),
  z.strictObject({ epochs: z.number() }),
]);
const schema = z.strictObject({
  seed: z.int().min(0).default(0),
  lr: z.number().positive(),
  shuffle: z.boolean().default(true),
  dir: z.string().optional(),
  duration,
  posemb: z.enum(["learn", "sincos2d"]).default("learn"),
  model: z.discriminatedUnion("name", [
    z.strictObject({ name: z.literal("vit"), width: z.int().default(64) }),
    z.strictObject({ name: z.literal("mixer"), tokens: z.int().default(8) }),
  ]),
  evals: z
    .record(
      z.string(),
      z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("plain").default("plain"), split: z.string() }),
        z.strictObject({ type: z.literal("knn"), split: z.string(), k: z.int().optional() }),
      ]),
    )
    .default({}),
  schedule: z
    .union([
      z.strictObject({ decay: z.enum(["cosine", "linear"]), warmup: duration.nullable() }),
      z.array(z.string()).readonly(),
    ])
    .optional(),
  betas: z.tuple([z.number(), z.number()]).optional(),
  batchSize: z.int().optional(),
  whitening: z.strictObject({ rate: z.number() }).optional(),
  sharpness: z.strictObject({ rate: z.number() }).optional(),
});
const config = { lr: 0.1, duration: { epochs: 2 }, model: { name: "vit" } };

const messageOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    expect((error as OcelliError).code).toBe("config");
    return (error as OcelliError).message;
  }
  throw new Error("nothing was thrown");
};

test("defaults are filled in", () => {
  expect(validate(schema, config)).toMatchObject({
    seed: 0,
    posemb: "learn",
    model: { width: 64 },
  });
});

test.each([
  [{ modle: {} }, 'unknown key "modle"; valid: model, dir,'],
  [
    { model: { name: "vit", widht: 3 } },
    'unknown key "model.widht"; valid: model.width, model.name.',
  ],
  [{ model: { name: "vti" } }, 'model.name must be one of vit, mixer; not "vti".'],
  [{ model: {} }, "model.name must be one of"],
  [{ evals: { val: { splt: "x" } } }, "evals.val.split is missing"],
  [
    { evals: { val: { split: "x", spilt: "x" } } },
    'unknown key "evals.val.spilt"; valid: evals.val.split, evals.val.type.',
  ],
  [
    { evals: { val: { split: "x", type: "kn" } } },
    'evals.val.type must be one of knn, plain; not "kn".',
  ],
  [{ evals: { val: { split: "x", k: 5 } } }, 'unknown key "evals.val.k"; valid: evals.val.'],
  [{ lr: "fast" }, 'lr must be a number, not "fast".'],
  [{ lr: undefined }, "lr is missing; it must be a number."],
  [{ lr: -1 }, "lr must be above 0, not -1."],
  [{ seed: 1.5 }, "seed must be a whole number, not 1.5."],
  [{ posemb: "sincos" }, 'posemb must be one of sincos2d, learn; not "sincos".'],
  [{ duration: { steps: "x" } }, 'duration.steps must be a number, not "x".'],
  [{ duration: { epochs: 1, steps: 1 } }, "duration must be one of { steps }, { epochs }; not"],
  [{ schedule: { decay: "cos" } }, 'schedule.decay must be one of cosine, linear; not "cos".'],
  [
    { schedule: { deacy: "cosine", decay: "linear", warmup: null } },
    'unknown key "schedule.deacy"',
  ],
  [{ schedule: 3 }, "schedule must be one of { decay, warmup }, array; not 3."],
])("%j is refused", (change, message) => {
  expect(messageOf(() => validate(schema, { ...config, ...change }))).toContain(message);
});

test.each([
  ["lr", "3e-4", { lr: 3e-4 }],
  ["shuffle", "false", { shuffle: false }],
  ["dir", "12", { dir: "12" }],
  ["model.width", "96", { model: { name: "vit", width: 96 } }],
  ["model.name", "mixer", { model: { name: "mixer" } }],
  ["duration.steps", "5", { duration: { steps: 5 } }],
  ["duration.epochs", "0.5", { duration: { epochs: 0.5 } }],
  ["epochs", "0.5", { duration: { epochs: 0.5 } }], // not schedule.warmup.epochs
  ["steps", "7", { duration: { steps: 7 } }],
  ["batch-size", "8", { batchSize: 8 }],
  ["evals.val.split", "train[:10]", { evals: { val: { split: "train[:10]" } } }],
  ["schedule.decay", "linear", { schedule: { decay: "linear" } }],
  ["schedule.warmup.epochs", "2", { schedule: { decay: "cosine", warmup: { epochs: 2 } } }],
  ["betas", "[0.9, 0.95]", { betas: [0.9, 0.95] }],
  ["width", "96", { model: { name: "vit", width: 96 } }],
  ["warmup.epochs", "2", { schedule: { decay: "cosine", warmup: { epochs: 2 } } }],
])("--%s %s", (path, text, expected) => {
  const set = { ...config, schedule: { decay: "cosine", warmup: { steps: 3 } } };
  expect(validate(schema, override(schema, set, path, text))).toMatchObject(expected);
});

test("what a choice leaves out is its default, until another is made", () => {
  const plain = { ...config, evals: { val: { split: "x" } } };
  expect(validate(schema, plain).evals.val).toEqual({ type: "plain", split: "x" });
  const near = override(schema, plain, "evals.val.type", "knn");
  expect(validate(schema, override(schema, near, "evals.val.k", "5")).evals.val).toEqual({
    type: "knn",
    split: "x",
    k: 5,
  });
  expect(messageOf(() => override(schema, plain, "evals.val.type", "kn"))).toContain(
    'evals.val.type must be one of knn, plain; not "kn".',
  );
  expect(messageOf(() => override(schema, plain, "evals.val.k", "5"))).toContain(
    'unknown option "--evals.val.k"',
  );
});

test("a choice drops what only the old choice knows", () => {
  const wide = { ...config, model: { name: "vit", width: 96 } };
  expect(override(schema, wide, "model.name", "mixer")).toMatchObject({ model: { name: "mixer" } });
  expect(Object.keys((override(schema, wide, "model.name", "mixer") as typeof wide).model)).toEqual(
    ["name"],
  );
});

test.each([
  ["lrr", "1", 'unknown option "--lrr"; valid: --lr,'],
  ["model.tokens", "1", 'unknown option "--model.tokens"; valid: --model.name,'],
  ["workdri", "x", 'unknown option "--workdri"; valid: --workdir,'],
  ["lr.rate", "1", 'unknown option "--lr.rate"'],
  ["rate", "5", "--rate may stand for --whitening.rate or --sharpness.rate"],
  ["lr", "quick", 'lr must be a number, not "quick".'],
  ["posemb", "none", 'posemb must be one of learn, sincos2d; not "none".'],
  ["seed", "-1", "seed must be at least 0, not -1."],
])("--%s %s is refused", (path, text, message) => {
  expect(messageOf(() => override(schema, config, path, text, ["workdir"]))).toContain(message);
});

test("paths follow what the configuration chose", () => {
  const paths = pathsOf(schema, { ...config, evals: { val: {} } });
  expect(paths).toContain("model.width");
  expect(paths).toContain("duration.steps");
  expect(paths).toContain("evals.val.split");
  expect(paths).not.toContain("model.tokens");
});
