/** @file What decodes pictures for a server may crash: the request in hand fails, and later ones are answered. */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Process, startNode } from "./small-run.ts";

/** Ends its thread for pictures of one pixel's width. */
const FRAGILE = `export const fragile = { kind: "operation", name: "fragile", parameters: {}, bind: () => ({
  host(example) {
    if (example.image.shape[1] === 1) process.exit(7);
    return example;
  } }) };`;

const SOURCES = join(import.meta.dirname, "../../src");

/** Trains a model whose preprocessing is fragile, serves it, and prints its address and process id. */
const PROGRAM = (dir: string) => `
import { train, serveModel } from ${JSON.stringify(join(SOURCES, "index.ts"))};
import { useFiles } from ${JSON.stringify(join(SOURCES, "served/modules.ts"))};
const preprocess = "decode|fragile|resize(8)|value_range(-1,1)";
const run = ${JSON.stringify(join(dir, "run"))};
await useFiles([${JSON.stringify(join(dir, "fragile.mjs"))}]);
await train(
  {
    name: "fragile", seed: 0, objective: { name: "classification" },
    optimizer: { name: "adamw", lr: 1e-3 },
    data: { name: "folder", dir: ${JSON.stringify(join(dir, "images"))} },
    preprocess: { train: preprocess, eval: preprocess },
    batchSize: 4, duration: { steps: 1 }, evals: {},
    model: { name: "vit", patchSize: [4, 4], width: 8, depth: 1, mlpDim: 8, numHeads: 1 },
  },
  { workdir: run, engine: "interpreter" },
);
const server = await serveModel(run, {
  port: 0, engine: "interpreter", onFault: (error) => console.log("fault: " + error.message),
});
console.log(process.pid + " serves at " + server.url);
`;

let dir: string;
let server: Process;
let url: string;
let pid: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-serve-crash-"));
  await writeFile(join(dir, "fragile.mjs"), FRAGILE);
  for (const [name, background] of [
    ["dark", "#222"],
    ["light", "#ddd"],
  ] as const) {
    const folder = join(dir, "images", name);
    await mkdir(folder, { recursive: true });
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background } });
    for (let i = 0; i < 10; i++) await picture.png().toFile(join(folder, `${i}.png`));
  }
  await writeFile(join(dir, "program.mjs"), PROGRAM(dir));
  server = startNode([join(dir, "program.mjs")]);
  for (let found: RegExpExecArray | null = null; !found;) {
    found = /(\d+) serves at (http\S+)/.exec(server.text());
    if (found) [, pid, url] = found;
    const ended = await Promise.race([server.ended, pause(50)]);
    if (ended !== undefined) throw new Error(server.text());
  }
}, 60_000);
afterAll(async () => {
  server.kill("SIGKILL");
  await server.ended;
  await rm(dir, { recursive: true });
});

const pause = (milliseconds: number): Promise<undefined> =>
  new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));

const create = (width: number) =>
  sharp({ create: { width, height: 9, channels: 3, background: "#ccc" } });

async function ask(body: Uint8Array): Promise<{ status: number; text: string }> {
  const response = await fetch(new URL("predict", url), {
    method: "POST",
    body: new Uint8Array(body),
  });
  return { status: response.status, text: await response.text() };
}

test("a thread that ends is replaced: its picture gets a 500, later ones answers", async () => {
  const [good, bad] = await Promise.all([9, 1].map((width) => create(width).png().toBuffer()));
  expect((await ask(good)).status).toBe(200);
  for (let round = 0; round < 3; round++) {
    expect(await ask(bad)).toEqual({
      status: 500,
      text: '{"error":"the server failed; its log says why"}',
    });
    expect((await ask(good)).status).toBe(200);
  }
  expect(server.text()).toContain("fault: a data worker crashed: it ended with code 7.");
});

/** The processes that a process has started. */
async function childrenOf(parent: string): Promise<string[]> {
  const tasks = await readdir(`/proc/${parent}/task`);
  const texts = tasks.map((task) => readFile(`/proc/${parent}/task/${task}/children`, "utf8"));
  return (await Promise.all(texts)).flatMap((text) => text.split(" ").filter(Boolean));
}

test.skipIf(!existsSync("/proc/self/task"))(
  "a decoder's process that is killed is replaced",
  async () => {
    const gif = await create(9).gif().toBuffer();
    for (let round = 0; round < 2; round++) {
      expect((await ask(gif)).status).toBe(200);
      const children = await childrenOf(pid);
      expect(children).toHaveLength(1);
      process.kill(Number(children[0]), "SIGKILL");
      await pause(100);
    }
    expect((await ask(gif)).status).toBe(200);
  },
);
