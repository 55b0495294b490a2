#!/usr/bin/env node
/** @file Starts the program; under a Node that is too old, with the binary of the `node` package beside it. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED = [22, 18];

const [major, minor] = process.versions.node.split(".").map(Number);
if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  const source = new URL("../src/cli/main.ts", import.meta.url);
  const compiled = new URL("../src/cli/main.js", import.meta.url);
  const { main } = await import((existsSync(source) ? source : compiled).href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  startUnder(packagedNode());
}

/** The binary of the `node` package, or an explanation and the end. */
function packagedNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve("node/package.json"));
    const binary = join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
    if (existsSync(binary)) return binary;
  } catch {
    // Not installed: said below.
  }
  process.stderr.write(
    `ocelli: Node ${NEEDED.join(".")} or newer is needed, this is ${process.versions.node}. ` +
      "Install a newer Node, or the package that brings one: npm install node.\n",
  );
  process.exit(1);
}

function startUnder(binary) {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(binary, args, { stdio: "inherit" });
  // A terminal sends Ctrl-C to the child as well; other senders reach only this process.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => {
    if (!signal) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
