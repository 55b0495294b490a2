/** @file The commands of the first pages, as a stranger would type them in an empty folder; and pages that programs write. */

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { format } from "prettier";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { operationPage } from "../../scripts/operation-page.ts";
import { train } from "../../src/index.ts";
import { TINY } from "../e2e/run-cli.ts";
import { writePairs } from "../e2e/small-pairs.ts";

const run = promisify(execFile);
const project = mkdtempSync(join(tmpdir(), "ocelli-pages-"));
afterAll(() => rm(project, { recursive: true }));

beforeAll(async () => {
  await mkdir(join(project, "pets"), { recursive: true });
  for (const [kind, colour] of [
    ["cat", "#402010"],
    ["dog", "#d0d0f0"],
  ]) {
    await mkdir(join(project, "pets", kind));
    for (let i = 0; i < 20; i++) {
      const background = { r: i * 5, g: parseInt(colour.slice(3, 5), 16), b: 90 };
      const picture = sharp({ create: { width: 40 + i, height: 40, channels: 3, background } });
      await picture.jpeg().toFile(join(project, "pets", kind, `${i}.jpg`));
    }
  }
});

/** The lines of a page's blocks of commands. */
const commandsOf = (page: string): string[] =>
  [...readFileSync(page, "utf8").matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block]) =>
    block.trim().split("\n"),
  );

/** What makes a training of a page short. */
const SHORT: readonly (readonly [command: RegExp, more: readonly string[]])[] = [
  [/^train quickstart/, TINY],
  [
    /^train folder/,
    [
      "--engine=interpreter",
      "--batchSize=8",
      '--duration={"steps":2}',
      '--model={"name":"vit","patchSize":[16,16],"width":16,"depth":1,"mlpDim":32,"numHeads":2}',
    ],
  ],
];

/** Installing is tests/e2e/package.test.ts's; published weights, features in minutes, stopped runs and whole sweeps have tests of their own. */
const ELSEWHERE =
  /^npm |^npx ocelli (label|pretrain|transfer|sweep|runs runs\/rates|train --resume runs\/folder$)/;

test(
  "the commands of the first pages run in the order that they stand in",
  { timeout: 240_000 },
  async () => {
    const program = resolve("bin/ocelli.js");
    for (const page of ["first-model", "own-images", "resume-and-sweep"]) {
      for (const command of commandsOf(`docs/${page}.md`)) {
        if (ELSEWHERE.test(command)) continue;
        const [, script] = /^node -e "(.*)"$/.exec(command) ?? [];
        if (script !== undefined) {
          const env = { ...process.env, NODE_PATH: resolve("node_modules") };
          await run(process.execPath, ["-e", script], { cwd: project, env });
          continue;
        }
        const [, , ...args] = command.split(" ");
        const more = SHORT.find(([like]) => like.test(args.join(" ")))?.[1] ?? [];
        const shortened = more.filter((flag) => !args.includes(flag.split("=")[0]));
        await run(process.execPath, [program, ...args, ...shortened], { cwd: project }).catch(
          (error: { readonly stderr?: string }) => {
            throw new Error(`${page}: ${command}: ${error.stderr ?? String(error)}`);
          },
        );
      }
    }
    for (const made of ["explained", "site/index.html", "found.jsonl", "runs/slower"]) {
      expect(existsSync(join(project, made)), made).toBe(true);
    }
  },
);

test("the commands of docs/search.md run", { timeout: 120_000 }, async () => {
  const config = await writePairs(project);
  const short = { ...config, duration: { steps: 1 } };
  await train(short, { engine: "interpreter", workdir: join(project, "runs", "pairs") });
  await mkdir(join(project, "holiday"));
  for (const [from, to] of [
    ["red-left", "bird"],
    ["blue-right", "boat"],
  ]) {
    await copyFile(join(project, `${from}.png`), join(project, "holiday", `${to}.png`));
  }
  const env = { ...process.env, OCELLI_CACHE: join(project, "cache") };
  for (const command of commandsOf("docs/search.md")) {
    const [, , ...args] = command.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', ""));
    if (args[1] === "index" && !args.includes("--model")) args.push("--model", "runs/pairs"); // no published weights here
    await run(process.execPath, [resolve("bin/ocelli.js"), ...args], { cwd: project, env }).catch(
      (error: { readonly stderr?: string }) => {
        throw new Error(`${command}: ${error.stderr ?? String(error)}`);
      },
    );
  }
  expect(existsSync(join(project, "found.html"))).toBe(true);
});

test("docs/operations.md shows every operation: node scripts/operation-page.ts", async () => {
  const page = await format(operationPage(), { parser: "markdown", proseWrap: "preserve" });
  expect(readFileSync("docs/operations.md", "utf8")).toBe(page);
  for (const [, file] of page.matchAll(/\]\((pictures\/.*?)\)/g)) {
    expect(existsSync(join("docs", file)), file).toBe(true);
  }
});
