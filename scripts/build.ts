/** @file Makes the published package in dist/: compiled sources, declarations and a manifest whose entries point at them. */

import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { buildPage } from "./build-page.ts";

interface Manifest {
  bin: Record<string, string>;
  exports: Record<string, string>;
  files?: string[];
  private?: boolean;
  scripts?: Record<string, string>;
  devDependencies?: Record<string, string>;
  [key: string]: unknown;
}

rmSync("dist", { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });

await buildPage("src/dashboard/page", "dist/src/dashboard/built");

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
delete manifest.private;
delete manifest.scripts;
delete manifest.devDependencies;
delete manifest.files;
manifest.exports = Object.fromEntries(
  Object.entries(manifest.exports).map(([entry, source]) => {
    const base = source.replace(/\.ts$/, "");
    return [entry, { types: `${base}.d.ts`, default: `${base}.js` } as unknown as string];
  }),
);
writeFileSync("dist/package.json", `${JSON.stringify(manifest, null, 2)}\n`);
for (const file of [
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "bin",
  "bench/peers",
  "scripts/peers.sh",
]) {
  cpSync(file, `dist/${file}`, { recursive: true });
}
console.log("dist/ is ready: npm publish dist");
