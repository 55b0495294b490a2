/**
 * @file Makes the published package: compiled sources, declarations and a manifest whose entries point at them.
 *
 *   node scripts/build.ts [FOLDER]    (default: dist)
 */

import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { buildPage } from "./build-page.ts";
import { buildWebInto } from "./build-web.ts";
import { type Manifest, publishedManifest, repositoryUrl } from "./published-manifest.ts";

const [target = "dist"] = process.argv.slice(2);
rmSync(target, { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json", "--outDir", target], {
  stdio: "inherit",
  shell: process.platform === "win32",
});

await buildPage("src/dashboard/page", `${target}/src/dashboard/built`);
await buildWebInto(`${target}/src/web/built`);

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
const published = publishedManifest(manifest, repositoryUrl(origin()));
writeFileSync(`${target}/package.json`, `${JSON.stringify(published, null, 2)}\n`);
for (const file of [
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "bin",
  "docs",
  "papers/README.md",
  "papers/drawings-vocabulary.txt",
  "examples/teach/README.md",
  "bench/peers",
  "scripts/peers.sh",
]) {
  cpSync(file, `${target}/${file}`, { recursive: true });
}
console.log(`${target} is ready: npm publish ${target}`);

/** Where this checkout was cloned from; empty where git does not know. */
function origin(): string {
  try {
    return execFileSync("git", ["remote", "get-url", "origin"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "";
  }
}
