import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClaimRecipe, defineClaim } from "../index.ts";
import { runClaims } from "./claim-all.ts";
import type { Output } from "./command.ts";

let dir: string;
beforeAll(async () => (dir = await mkdtemp(join(tmpdir(), "ocelli-claims-"))));
afterAll(() => rm(dir, { recursive: true }));

const recipe = (lr: number): ClaimRecipe => ({
  preprocess: { train: "value_range(-1,1)", eval: "value_range(-1,1)" },
  batchSize: 4,
  duration: { steps: 2 },
  model: { name: "vit", patchSize: [28, 28], width: 8, depth: 1, mlpDim: 8, numHeads: 1 },
  objective: { name: "classification" },
  optimizer: { name: "adam", lr },
});

const claimOf = (name: string, width: number) =>
  defineClaim({
    name,
    headline: `${name} trains.`,
    data: [{ name: "folder", dir: join(tmpdir(), "ocelli-is-not-here") }, { name: "mnist" }],
    splits: { train: "train[:20]", validation: "train[20:28]", test: "test[:8]" },
    metric: "loss",
    maximize: false,
    arms: {
      still: ({ train }) => train(recipe(0)),
      moving: ({ train }) => {
        const model = { ...recipe(0.1).model, width } as ClaimRecipe["model"];
        return train({ ...recipe(0.1), model });
      },
    },
    checks: [{ text: "it moves", difference: (of) => of("still") - of("moving"), margin: 0 }],
  });

const said: string[] = [];
const output = {
  line: (text: string) => void said.push(text),
  status: () => undefined,
  terminal: false,
} as unknown as Output;

test("claims run in turn, a failure is reported, and the same call resumes", async () => {
  const done: string[] = [];
  const all = {
    claims: [claimOf("first", 8), claimOf("broken", 9), claimOf("last", 8)],
    scale: "quick" as const,
    workdir: dir,
    options: { engine: "interpreter" },
    done: (name: string) => Promise.resolve(void done.push(name)),
  };
  await expect(runClaims({ ...all, claims: [claimOf("odd", -1)] }, output)).rejects.toThrow(
    "1 of 1 claims failed: odd.",
  );
  const broken = { ...all, claims: [all.claims[0], claimOf("odd", -1), all.claims[2]] };
  await expect(runClaims(broken, output)).rejects.toThrow("1 of 3 claims failed: odd.");
  expect(done).toEqual(["first", "last"]);
  const first = join(dir, "first-quick", "claim.json");
  const page = await readFile(join(dir, "claims-quick.html"), "utf8");
  expect(page).toContain('id="last"');
  expect(page).toContain('class="wrong"');

  const stopped = new AbortController();
  stopped.abort();
  const options = { ...all.options, signal: stopped.signal };
  const result = await runClaims(
    { ...all, claims: [all.claims[0], claimOf("new", 8)], options },
    output,
  );
  expect(result.interrupted).toBe(true); // what is done is read, the next one is not begun
  expect(result.claims.map(({ name, holds }) => [name, typeof holds])).toEqual([
    ["first", "boolean"],
    ["new", "undefined"],
  ]);
  expect((await stat(first)).isFile()).toBe(true);
});
