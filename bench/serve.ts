/**
 * @file `ocelli bench serve`: requests a second and their times, of `ocelli serve` beside a plain server of onnxruntime-node
 * on the same model, exported, in alternating turns; and the processor time of a request, which other load changes less.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import quickstart from "../recipes/quickstart.ts";
import { exportModel } from "../src/served/exporting/export.ts";
import { train } from "../src/train/train.ts";

/** One server under load. */
export interface ServerLoad {
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
  /** Milliseconds of processor time of the server's process for a request; undefined where it is not known. */
  readonly processor?: number;
}

/** What the benchmark found; of each server its best turn. */
export interface ServeBench {
  readonly kind: "serve";
  readonly clients: number;
  readonly ocelli: ServerLoad;
  readonly plain: ServerLoad;
  /** Requests a second of ours over the plain server's. */
  readonly ratio: number;
}

/** Requests of one client in a turn. */
const REQUESTS = 60;

/** Measures both servers with clients that each send one request after the other. */
export async function benchServe(
  { clients, pairs, size }: Readonly<Record<"clients" | "pairs" | "size", number>>,
  report: (line: string) => void,
): Promise<ServeBench> {
  const dir = await mkdtemp(join(tmpdir(), "ocelli-bench-serve-"));
  const servers: ChildProcess[] = [];
  try {
    report("making a model: two steps of a ViT on digits");
    const run = join(dir, "run");
    const quiet = { line: () => undefined, status: () => undefined, terminal: false };
    await train(
      {
        ...quickstart,
        split: "train[:64]",
        batchSize: 32,
        duration: { steps: 2 },
        evals: { test: { split: "test[:64]", every: { steps: 2 } } },
      },
      { workdir: run, reporter: quiet },
    );
    const file = join(dir, "model.onnx");
    await exportModel(run, { to: "onnx", file });
    const program = fileURLToPath(new URL("../bin/ocelli.js", import.meta.url));
    const peer = fileURLToPath(new URL("peers/plain-server.ts", import.meta.url));
    const picture = await photograph(size);
    const ocelli = await start([program, "serve", run, "--port", "6511"], servers);
    const plain = await start([peer, file, "6512"], servers);
    const best: { ocelli?: ServerLoad; plain?: ServerLoad } = {};
    for (let pair = 0; pair <= pairs; pair++) {
      for (const [name, started] of [
        ["plain", plain],
        ["ocelli", ocelli],
      ] as const) {
        const load = await loadOf(started, picture, clients);
        if (pair === 0) continue; // a turn to warm up
        report(
          `${name}: ${load.requestsPerSecond.toFixed(0)} requests/s, p99 ${load.p99.toFixed(1)} ms`,
        );
        const before = best[name];
        if (!before || load.requestsPerSecond > before.requestsPerSecond) best[name] = load;
      }
    }
    const [ours, theirs] = [best.ocelli!, best.plain!];
    const ratio = ours.requestsPerSecond / theirs.requestsPerSecond;
    return { kind: "serve", clients, ocelli: ours, plain: theirs, ratio };
  } finally {
    for (const server of servers) server.kill("SIGKILL");
    await rm(dir, { recursive: true });
  }
}

/** The result as text. */
export function describeServe({ clients, ocelli, plain, ratio }: ServeBench): string {
  const processorOf = ({ processor }: ServerLoad): string =>
    processor === undefined ? "" : `  ${processor.toFixed(2)} ms of processor time a request`;
  const line = (name: string, load: ServerLoad): string => lineOf(name, load) + processorOf(load);
  const lineOf = (name: string, { requestsPerSecond, median, p99 }: ServerLoad): string =>
    `${name.padEnd(24)}${requestsPerSecond.toFixed(0).padStart(6)} requests/s  median ${median.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms`;
  return [
    `${clients} clients`,
    line("ocelli serve", ocelli),
    line("plain onnxruntime-node", plain),
    `ratio ${ratio.toFixed(2)}`,
  ].join("\n");
}

/** A picture as a camera's JPEG has it, of a side. */
export async function photograph(side: number): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 7 + (i >> 9) * 3) % 256);
  return sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .jpeg()
    .toBuffer();
}

/** A server in a process. */
export interface Started {
  readonly url: string;
  readonly server: ChildProcess;
}

/** Starts a server that prints its address. */
export function start(args: readonly string[], servers: ChildProcess[]): Promise<Started> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  servers.push(child);
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += String(chunk);
      const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(text) ?? [];
      if (url !== undefined) resolve({ url, server: child });
    });
    child.on("close", () => reject(new Error(`the server ended: ${args.join(" ")}: ${text}`)));
  });
}

/** Milliseconds of processor time that a process has taken; undefined where the system does not say. */
function processorTime({ pid }: ChildProcess): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return 10 * (Number(fields[11]) + Number(fields[12])); // in hundredths of a second, user and system
  } catch {
    return undefined;
  }
}

async function loadOf(
  { url, server }: Started,
  picture: Uint8Array,
  clients: number,
): Promise<ServerLoad> {
  const before = processorTime(server);
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const times: number[] = [];
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let i = 0; i < REQUESTS; i++) {
        const sent = performance.now();
        await post(new URL("predict", url), picture, agent);
        times.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  agent.destroy();
  times.sort((a, b) => a - b);
  const after = processorTime(server);
  return {
    ...(before !== undefined &&
      after !== undefined && {
        processor: (after - before) / times.length,
      }),
    requestsPerSecond: times.length / seconds,
    median: times[times.length >> 1],
    p99: times[Math.floor(times.length * 0.99)],
  };
}

/** Sends a picture; an error for any answer but 200. */
export function post(url: URL, body: Uint8Array, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Length": body.length };
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(text)),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
