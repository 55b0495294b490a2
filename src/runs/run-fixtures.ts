/** @file Run folders that are damaged or hostile, for tests: each by the words that a list says of it. */

import { execFileSync } from "node:child_process";
import { mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

const CONFIG = '{"model":{"name":"vit"},"duration":{"steps":9}}';

/** Writes a run that is whole but for what `change` does to it. */
export async function writeRun(folder: string, metrics = '{"step":1,"loss":2}\n'): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), CONFIG);
  await writeFile(join(folder, "environment.json"), '{"engine":"ort"}');
  await writeFile(join(folder, "metrics.jsonl"), metrics);
  return folder;
}

/** Writes bad runs below a folder; what is said of each, by its name. `secret` is a file that none may show. */
export async function writeBadRuns(dir: string, secret: string): Promise<Record<string, RegExp>> {
  const bad = async (name: string, file: string, make: (path: string) => Promise<unknown>) => {
    const folder = join(dir, name);
    await mkdir(folder, { recursive: true });
    const files = ["config.json", "environment.json", "metrics.jsonl"];
    const others = files.filter((other) => other !== file);
    for (const other of others) await writeFile(join(folder, other), CONFIG);
    await make(join(folder, file));
  };
  await bad("linked", "config.json", (path) => symlink(secret, path));
  await bad("linked-metrics", "metrics.jsonl", (path) => symlink(secret, path));
  await bad("folder", "config.json", (path) => mkdir(path));
  await bad("folder-metrics", "metrics.jsonl", (path) => mkdir(path));
  await bad("torn", "config.json", (path) => writeFile(path, '{"model":'));
  await bad("list", "config.json", (path) => writeFile(path, "[1]"));
  await bad("deep", "config.json", (path) => {
    const depth = 100_000;
    return writeFile(path, `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`);
  });
  const said: Record<string, RegExp> = {
    linked: /config\.json: it is a link/,
    "linked-metrics": /metrics\.jsonl: it is a link/,
    folder: /config\.json: it is a folder/,
    "folder-metrics": /metrics\.jsonl: it is a folder/,
    torn: /config\.json: .*JSON/,
    list: /config\.json: it is no JSON object/,
    deep: /config\.json: it is nested more than 64 deep/,
  };
  if (process.platform !== "win32") {
    await bad("pipe", "config.json", (path) => Promise.resolve(execFileSync("mkfifo", [path])));
    said.pipe = /config\.json: it is a device, a pipe or a socket/;
  }
  return said;
}

/** Writes a run that is readable, with everything in it that others may have put there. */
export async function writeOddRun(folder: string, secret: string): Promise<void> {
  await writeRun(folder, '{"step":1,"constructor":1,"__proto__":2,"x/toString":3}\n');
  await mkdir(join(folder, "augmented"));
  await symlink(secret, join(folder, "augmented", "0.png"));
  await symlink(secret, join(folder, "result.json"));
  const confusion = [[{}, "1"], [[], null]]; // prettier-ignore
  const mistakes = [{ id: {}, label: 0, predicted: 1, probability: 1, thumbnail: "data:image/x" }];
  const predictions = JSON.stringify({ classes: ["a", "b"], confusion, mistakes });
  await writeFile(join(folder, "predictions.json"), predictions);
  await utimes(join(folder, "metrics.jsonl"), 1e10, 1e10); // in 2286: the clock was set back
}
