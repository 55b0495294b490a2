/** @file The configuration reference is what the schemas and their comments say, and what `ocelli config` shows. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { REFERENCE } from "../../src/config/reference.ts";
import { jsonSchema } from "../../src/config/json-schema.ts";
import { makeReference, moduleOf, pageOf } from "../../scripts/reference.ts";
import { lastJson, runCli } from "../e2e/run-cli.ts";

test("the reference and its page are up to date: node scripts/reference.ts", async () => {
  const entries = makeReference();
  expect(await moduleOf(entries)).toBe(readFileSync("src/config/reference.ts", "utf8"));
  expect(await pageOf(entries)).toBe(readFileSync("docs/configuration.md", "utf8"));
});

test("every key has a meaning, and a default or that it is required", () => {
  const bare = REFERENCE.filter(({ meaning, required, default: preset }) => {
    return meaning === "" || (required === undefined) === (preset === undefined);
  });
  expect(bare).toEqual([]);
});

test("ocelli config shows a key, what is below it, the end of a key, or a choice", async () => {
  const lr = await runCli(["config", "optimizer.lr"]);
  expect(lr.stdout).toBe(
    `optimizer.lr
  The learning rate, by which every schedule is multiplied.
  number from 0; required
  example: 1e-3
`,
  );
  expect((await runCli(["config", "lr"])).stdout).toBe(lr.stdout);
  const { keys } = lastJson<{ keys: { key: string }[] }>(
    await runCli(["config", "optimizer.schedule", "--json"]),
  );
  expect(keys.map(({ key }) => key).slice(0, 2)).toEqual([
    "optimizer.schedule",
    "optimizer.schedule.decayType",
  ]);
  expect((await runCli(["config", "flexivit"])).stdout).toContain("model.posembSize (flexivit)");
  expect((await runCli(["config"])).stdout).toMatch(/^seed +Decides the initial parameters/m);
  const wrong = await runCli(["config", "optimizer.weightDecai"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain(
    'unknown key "optimizer.weightDecai"; valid: optimizer.weightDecay',
  );
});

test("ocelli config --schema is a JSON schema with meanings, by choice", async () => {
  interface Schema {
    readonly properties: Record<string, Schema>;
    readonly oneOf: Schema[];
    readonly description?: string;
    readonly const?: string;
    readonly required?: string[];
    readonly additionalProperties: unknown;
  }
  const { stdout } = await runCli(["config", "--schema"]);
  expect(JSON.parse(stdout)).toEqual(jsonSchema());
  const schema = JSON.parse(stdout) as Schema;
  expect(schema.required).toContain("batchSize");
  expect(schema.required).not.toContain("seed");
  expect(schema.additionalProperties).toBe(false);
  const model = (name: string) =>
    schema.properties.model.oneOf.find(({ properties }) => properties.name.const === name)!;
  expect(model("vit").properties.width.description).toBe("Channels of a token. Default: 768.");
  expect(model("resnet").properties.width.description).toBe("Times 64 channels. Default: 1.");
});
