/** @file The projects of docs/your-own.md and docs/adding-a-task.md, as a stranger would type them: their types, then their commands. */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = mkdtempSync(join(tmpdir(), "ocelli-own-"));
afterAll(() => rm(root, { recursive: true }));

/** A strict user's. */
const TSCONFIG = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024", "esnext.disposable", "dom"],
    module: "nodenext",
    strict: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    types: ["node"],
    typeRoots: [resolve("node_modules/@types")],
  },
  include: ["*/*.ts"],
};

/** The files that a page shows: each block of code begins with its file's name. */
function filesOf(page: string): [file: string, code: string][] {
  const text = readFileSync(page, "utf8");
  return [...text.matchAll(/^( *)```ts\n *\/\/ ([\w-]+\.ts)\n(.*?)^ *```$/gms)].map(
    ([, indent, file, code]) => [file, code.replaceAll(new RegExp(`^${indent}`, "gm"), "")],
  );
}

/** An empty project with a page's files, in which Ocelli and zod are installed. */
async function makeProject(name: string, page: string): Promise<string> {
  const project = join(root, name);
  await mkdir(join(project, "node_modules"), { recursive: true });
  await symlink(resolve("."), join(project, "node_modules/ocelli"));
  await symlink(resolve("node_modules/zod"), join(project, "node_modules/zod"));
  await writeFile(join(project, "package.json"), '{ "type": "module" }');
  for (const [file, code] of filesOf(page)) await writeFile(join(project, file), code);
  const grey = sharp({ create: { width: 16, height: 16, channels: 3, background: "#f0f0f0" } });
  await grey.png().toFile(join(project, "picture.png"));
  return project;
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program with Node in a folder. */
const run = (cwd: string, args: readonly string[], cache = join(root, "cache")): Promise<Ended> =>
  new Promise((done) => {
    const env = { ...process.env, OCELLI_CACHE: cache, NO_COLOR: "1" };
    execFile(process.execPath, args, { cwd, env }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

const ocelli = (cwd: string, ...args: string[]): Promise<Ended> =>
  run(cwd, [resolve("bin/ocelli.js"), ...args]);

let shades: string;
let lamps: string;
beforeAll(async () => {
  shades = await makeProject("shades", "docs/your-own.md");
  lamps = await makeProject("lamps", "docs/adding-a-task.md");
});

test("the types of both projects hold, and a wrong option is an error", async () => {
  const wrong = join(root, "wrong");
  await cp(shades, wrong, { recursive: true, verbatimSymlinks: true });
  const config = join(wrong, "train-shades.ts");
  await writeFile(config, (await readFile(config, "utf8")).replace("gamma: 1", "gama: 1"));
  await writeFile(join(root, "tsconfig.json"), JSON.stringify(TSCONFIG));
  const { stdout } = await run(root, [resolve("node_modules/typescript/bin/tsc"), "-p", "."]);
  const errors = stdout.split("\n").filter((line) => /^\S/.test(line));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatch(/^wrong\/train-shades\.ts/);
  expect(errors[0]).toContain("'gama' does not exist");
  await rm(wrong, { recursive: true });
}, 180_000);

describe("docs/your-own.md", () => {
  test("it trains, predicts and resumes by its own files", async () => {
    const trained = await ocelli(shades, "train", "train-shades.ts", "--engine", "ort", "--json");
    expect(trained).toMatchObject({ code: 0 });
    const result = JSON.parse(trained.stdout) as { evals: Record<string, object> };
    expect(result.evals.test).toMatchObject({ accuracy: 1 });
    expect(Object.keys(result.evals.sure)).toEqual(["confidence"]);
    const record = JSON.parse(
      await readFile(join(shades, "runs/shades/definitions.json"), "utf8"),
    ) as {
      definitions: { kind: string; name: string; file: string }[];
    };
    expect(record.definitions.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual(
      ["evaluator confidence", "model tower", "objective focal", "operation negative", "optimizer sign-sgd", "source shades"],
    ); // prettier-ignore
    expect(record.definitions[0].file).toMatch(/train-shades\.ts$/);

    expect((await ocelli(shades, "predict", "runs/shades", "picture.png")).stdout).toContain(
      "picture.png  light",
    );
    const longer = await ocelli(shades, "train", "--resume", "runs/shades", "--epochs", "5");
    expect(longer).toMatchObject({ code: 0, stderr: "" });
    expect(longer.stdout).toContain("resumed after step 16");
  });

  test("a run from elsewhere loads no code until its user names it", async () => {
    const cache = join(root, "another-cache");
    const predict = ["predict", "runs/shades", "picture.png", "--engine", "interpreter"];
    const first = await run(shades, [resolve("bin/ocelli.js"), ...predict], cache);
    expect(first.code).toBe(2);
    expect(first.stderr).toContain("train-shades.ts is code that is new here");
    const named = [...predict, "--use", "tower.ts", "--use", "shades.ts", "--use", "focal.ts"];
    const others = ["--use", "confidence.ts", "--use", "small-things.ts"];
    const second = await run(shades, [resolve("bin/ocelli.js"), ...named, ...others], cache);
    expect(second).toMatchObject({ code: 0 });
  });

  test("a file that is gone is an error that names it", async () => {
    const file = join(shades, "train-shades.ts");
    await rename(file, `${file}.gone`);
    const { code, stderr } = await ocelli(shades, "predict", "runs/shades", "picture.png");
    await rename(`${file}.gone`, file);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /was trained with the \w+ "[\w-]+" of your own; its file .*train-shades\.ts is gone\. .*--use FILE/,
    );
    const missing = await ocelli(shades, "predict", "runs/shades", "picture.png", "--use", "no.ts");
    expect(missing.stderr).toContain("there is no file no.ts to take definitions from");
  });

  test("its program trains and predicts", async () => {
    expect(await run(shades, ["program.ts"])).toMatchObject({ code: 0, stdout: "light\n" });
  });
});

describe("docs/adding-a-task.md", () => {
  test("it trains, evaluates, predicts and exports", async () => {
    expect(await ocelli(lamps, "train", "train-lamps.ts", "--engine", "ort")).toMatchObject({
      code: 0,
    });
    const judged = await ocelli(lamps, "eval", "runs/lamps", "--json");
    const { values } = JSON.parse(judged.stdout) as { values: { error: number } };
    expect(values.error).toBeLessThan(0.1); // a constant is off by a quarter
    const { stdout } = await ocelli(lamps, "predict", "runs/lamps", "picture.png");
    expect(stdout).toMatch(/picture\.png {2}brightness (0\.[89]|1)/);
    const exported = await ocelli(lamps, "export", "runs/lamps", "--to", "onnx");
    expect(exported.stdout).toContain("model.onnx");
    const again = await ocelli(lamps, "predict", "runs/lamps/model.onnx", "picture.png");
    expect(again.stdout).toMatch(/picture\.png {2}brightness (0\.[89]|1)/);
  });
});
