/** @file The published package: built, laid into an empty project, and used there as a stranger would. */

import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";

const long = test.runIf(process.env.OCELLI_LONG);
let project: string;

const node = (...args: string[]): string =>
  execFileSync(process.execPath, args, { cwd: project, encoding: "utf8" });
const ocelli = (...args: string[]): string => node("node_modules/ocelli/bin/ocelli.js", ...args);

beforeAll(async () => {
  if (!process.env.OCELLI_LONG) return;
  project = await mkdtemp(join(tmpdir(), "ocelli-package-"));
  execFileSync(process.execPath, ["scripts/build.ts"], { stdio: "inherit" });
  const modules = join(project, "node_modules");
  await mkdir(modules);
  for (const name of await readdir("node_modules")) {
    await symlink(resolve("node_modules", name), join(modules, name));
  }
  await cp("dist", join(modules, "ocelli"), { recursive: true });
  await writeFile(join(project, "package.json"), '{ "type": "module" }');
}, 300_000);

afterAll(async () => {
  if (project) await rm(project, { recursive: true });
});

long(
  "its command trains on a folder with decoding workers, predicts and exports",
  async () => {
    for (const [name, level] of [
      ["dark", 40],
      ["light", 210],
    ] as const) {
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
  },
  120_000,
);

long(
  "its entries load, and its types hold for a strict user",
  async () => {
    const manifest = (await import(join(resolve("dist"), "package.json"), { with: { type: "json" } })) as {
    default: { exports: Record<string, unknown> };
  }; // prettier-ignore
    const entries = Object.keys(manifest.default.exports).map((entry) =>
      entry.replace(/^\./, "ocelli"),
    );
    const use = entries.map((entry, i) => `export * as e${i} from "${entry}";`).join("\n");
    await writeFile(join(project, "use.ts"), use);
    const script = `for (const e of ${JSON.stringify(entries)}) console.log(e, Object.keys(await import(e)).length)`;
    const counts = node("--input-type=module", "-e", script).trim().split("\n");
    expect(counts.filter((line) => line.endsWith(" 0"))).toEqual([]);
    expect(counts).toHaveLength(entries.length);
    const flags = ["--module", "nodenext", "--target", "es2024", "--strict", "--noEmit"];
    node(resolve("node_modules/typescript/bin/tsc"), ...flags, "--types", "node", "use.ts");
  },
  120_000,
);
