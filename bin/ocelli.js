#!/usr/bin/env node
/** @file Starts the program; under a Node that is too old, with the binary of the `node` package beside it. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED = [22, 18];

/** What others send to a process, and what a terminal does; each is passed on. */
const SIGNALS = [
  ...["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"],
  ...["SIGTSTP", "SIGCONT", "SIGWINCH", "SIGBREAK"],
];

/** Milliseconds between two looks at whether the launcher still runs. */
const LOOK = 500;

const [major, minor] = process.versions.node.split(".").map(Number);
if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  const source = new URL("../src/cli/main.ts", import.meta.url);
  const compiled = new URL("../src/cli/main.js", import.meta.url);
  const { main } = await import((existsSync(source) ? source : compiled).href);
  endWithLauncher();
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

/**
 * Runs the program under another Node, as one process with it to whoever sends signals: in a process group of its own
 * where the system has these, so that what is sent to this group, by a terminal too, arrives once.
 */
function startUnder(binary) {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const isWindows = process.platform === "win32"; // a console sends Ctrl-C to all of its processes
  let child;
  for (const signal of SIGNALS.filter((name) => name in constants.signals)) {
    process.on(signal, () => {
      if (isWindows) return;
      if (signal !== "SIGTSTP") return void child.kill(signal);
      child.kill("SIGSTOP");
      process.kill(process.pid, "SIGSTOP");
    });
  }
  const env = { ...process.env, OCELLI_LAUNCHER: String(process.pid) };
  child = spawn(binary, args, { stdio: "inherit", detached: !isWindows, env });
  child.on("error", (error) => {
    process.stderr.write(`ocelli: ${binary} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (!signal) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + constants.signals[signal]), 1000); // a signal that ends nothing here
  });
}

/**
 * Under a launcher, its end without a word (SIGKILL) is this process's hang-up. The process is known by its number, which
 * it keeps when it replaces itself: programs that it starts are not the launcher's.
 */
function endWithLauncher() {
  const [launcher, started = String(process.pid)] = (process.env.OCELLI_LAUNCHER ?? "").split(":");
  if (!launcher || started !== String(process.pid) || process.platform === "win32") return;
  process.env.OCELLI_LAUNCHER = `${launcher}:${process.pid}`;
  const timer = setInterval(() => {
    if (process.ppid === Number(launcher)) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGHUP");
  }, LOOK).unref();
}
