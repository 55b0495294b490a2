/**
 * @file Whether a server's memory stays flat: many requests from 16 clients, its resident memory told on the way.
 *
 *   node bench/soak-serve.ts [REQUESTS]
 */

import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import quickstart from "../recipes/quickstart.ts";
import { train } from "../src/train/train.ts";
import { photograph, post, start } from "./serve.ts";

const requests = Number(process.argv[2] ?? 100_000);
const CLIENTS = 16;
const dir = await mkdtemp(join(tmpdir(), "ocelli-soak-serve-"));
const servers: ChildProcess[] = [];
try {
  const run = join(dir, "run");
  const quiet = { line: () => undefined, status: () => undefined, terminal: false };
  await train(
    {
      ...quickstart,
      split: "train[:64]",
      evals: { test: { split: "test[:64]", every: { steps: 2 } } },
      batchSize: 32,
      duration: { steps: 2 },
      model: { name: "vit", patchSize: [14, 14], width: 16, depth: 1, mlpDim: 32, numHeads: 2 },
    },
    { workdir: run, reporter: quiet },
  );
  const program = fileURLToPath(new URL("../bin/ocelli.js", import.meta.url));
  const { url } = await start([program, "serve", run, "--port", "6513"], servers);
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const picture = await photograph(96);
  const memory = async (): Promise<Readonly<Record<"resident" | "heap" | "external", number>>> => {
    const text = await (await fetch(new URL("metrics", url))).text();
    const bytes = (name: string) => Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)![1]);
    return {
      resident: bytes("process_resident_memory_bytes"),
      heap: bytes("nodejs_heap_size_used_bytes"),
      external: bytes("nodejs_external_memory_bytes"),
    };
  };
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  const marks = new Map<number, number>();
  let done = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (done < requests) {
        const own = ++done;
        await post(new URL("predict", url), picture, agent);
        if (own % (requests / 20) !== 0 && own !== requests / 10) continue;
        const { resident, heap, external } = await memory();
        marks.set(own, resident);
        console.log(
          `${own} requests: ${megabytes(resident)}, of it heap ${megabytes(heap)}, external ${megabytes(external)}`,
        );
      }
    }),
  );
  const [early, late] = [marks.get(requests / 10)!, marks.get(requests)!];
  console.log(JSON.stringify({ requests, early, late, growth: late / early - 1 }));
  process.exitCode = late <= 1.1 * early ? 0 : 1;
  agent.destroy();
} finally {
  for (const server of servers) server.kill("SIGKILL");
  await rm(dir, { recursive: true });
}
