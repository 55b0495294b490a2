import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addDefinition, rememberFile } from "../../define.ts";
import { hostArray } from "../../graph/dtype.ts";
import { type Operation, defineOperation } from "../../preprocess/operation.ts";
import { OPERATIONS } from "../../preprocess/operations.ts";
import { travels } from "./travelling.ts";
import { createWorkerPool } from "./workers.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-operations-"));
});
afterAll(async () => {
  await rm(dir, { recursive: true });
});

const bind = (): Operation => ({ host: (example) => example });

test("an operation of a file runs in other threads; one of a program stays in this one", async () => {
  const file = join(dir, "brighter.mjs");
  const text = `export const brighter = { kind: "operation", name: "brighter", parameters: {}, bind: () => ({
    host: (example) => ({ ...example, image: { ...example.image, data: example.image.data.map((v) => v + 1) } }) }) };`;
  await writeFile(file, text);
  const brighter = defineOperation({ name: "brighter", parameters: {}, bind });
  rememberFile(brighter, file);
  const here = defineOperation({ name: "here", parameters: {}, bind });
  for (const one of [brighter, here]) addDefinition("operation", OPERATIONS, one);
  try {
    expect(travels("decode|brighter|resize(2)")).toBe(true);
    expect(travels("decode|here|resize(2)")).toBe(false);
    using workers = createWorkerPool(1);
    const image = hostArray([1, 1, 3], "uint8", Uint8Array.of(1, 2, 3));
    const prepared = await workers.prepare("brighter", () => ({
      features: { image },
      key: [0],
      id: "a",
    }));
    expect("features" in prepared && [...prepared.features.image.data]).toEqual([2, 3, 4]); // by the file's
  } finally {
    OPERATIONS.splice(-2);
  }
});
