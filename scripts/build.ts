/** @file Makes the published package in dist/: compiled sources, declarations and a manifest whose entries point at them. */

import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { buildPage } from "./build-page.ts";
import { buildWebInto } from "./build-web.ts";
import { type Manifest, publishedManifest, repositoryUrl } from "./published-manifest.ts";

rmSync("dist", { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], {
  stdio: "inherit",
  shell: process.platform === "win32",
});

await buildPage("src/dashboard/page", "dist/src/dashboard/built");
await buildWebInto("dist/src/web/built");

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
const published = publishedManifest(manifest, repositoryUrl(origin()));
writeFileSync("dist/package.json", `${JSON.stringify(published, null, 2)}\n`);
for (const file of [
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "bin",
  "docs",
  "papers/README.md",
  "examples/teach/README.md",
  "bench/peers",
  "scripts/peers.sh",
]) {
  cpSync(file, `dist/${file}`, { recursive: true });
}
console.log("dist/ is ready: npm publish dist");

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
