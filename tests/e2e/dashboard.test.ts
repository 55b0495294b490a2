/** @file The dashboard with many runs, bad folders among them, and many requests; OCELLI_LONG takes thousands of both. */

import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Dashboard, serveDashboard } from "../../src/dashboard/server.ts";
import { seededRandom } from "../../src/random.ts";
import { writeBadRuns, writeOddRun, writeRun } from "../../src/runs/run-fixtures.ts";
import type { Curve } from "../../src/runs/read-curves.ts";
import type { RunCard } from "../../src/runs/read.ts";

const [RUNS, REQUESTS] = process.env.OCELLI_LONG ? [2000, 5000] : [100, 300];
/** Requests under way at a time. */
const AT_ONCE = 50;
const SECRET = "a secret of the user's";

let dir: string;
let server: Dashboard;
let bad: string[];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-dashboard-"));
  const secret = join(dir, "secret.json");
  await writeFile(secret, SECRET);
  const runs = join(dir, "runs");
  await mkdir(runs);
  bad = [];
  for (let i = 0; i < RUNS / 100; i++) {
    const said = await writeBadRuns(join(runs, `bad-${i}`), secret);
    bad.push(...Object.keys(said).map((name) => `bad-${i}/${name}`));
    await writeOddRun(join(runs, `odd-${i}`), secret);
  }
  const metrics = Array.from({ length: 200 }, (_, i) => `{"step":${i + 1},"loss":${i}}\n`).join("");
  const good = RUNS - bad.length - RUNS / 100;
  for (let i = 0; i < good; i++) await writeRun(join(runs, `good-${i}`), metrics);
  server = await serveDashboard({ dir: runs, port: 0, host: "127.0.0.1" });
}, 120_000);
afterAll(async () => {
  await server.close();
  await rm(dir, { recursive: true });
});

test(`${RUNS} runs and ${REQUESTS} requests`, { timeout: 300_000 }, async ({ annotate }) => {
  const random = seededRandom("requests", 5);
  const one = (): readonly [path: string, status: number] => {
    const names = [
      bad[random.integer(0, bad.length - 1)],
      `good-${random.integer(0, 50)}`,
      "odd-0",
    ];
    const name = encodeURIComponent(names[random.integer(0, 2)]);
    const paths = [
      ["api/runs", 200],
      ["api/search?q=loss>100", 200],
      ["api/run?run=none", 404],
      [`api/run?run=${name}`, 200],
      [`api/curves?run=${name}`, 200],
      ["api/curves?run=good-0", 200],
      [`api/pictures?run=${name}`, 200],
      [`report?run=${name}`, 200],
      [`api/picture?run=${name}&file=0.png`, 404],
    ] as const;
    return paths[random.integer(0, paths.length - 1)];
  };
  const before = process.memoryUsage().rss;
  const times: number[] = [];
  let peak = before;
  let step = 200;
  const began = performance.now();
  for (let done = 0; done < REQUESTS; done += AT_ONCE) {
    step++;
    await appendFile(
      join(dir, "runs", "good-0", "metrics.jsonl"),
      `{"step":${step},"loss":${step - 1}}\n`,
    );
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const [path, status] = one();
        const start = performance.now();
        const response = await fetch(new URL(path, server.url));
        const text = await response.text();
        times.push(performance.now() - start);
        expect(response.status, path).toBe(status);
        expect(response.headers.get("x-content-type-options"), path).toBe("nosniff");
        expect(text, path).not.toContain(SECRET);
      }),
    );
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  const seconds = (performance.now() - began) / 1000;
  const { runs } = (await (await fetch(new URL("api/runs", server.url))).json()) as {
    runs: RunCard[];
  };
  expect(runs).toHaveLength(RUNS);
  const unreadable = runs.filter(({ state }) => state === "unreadable").map(({ name }) => name);
  expect(unreadable.sort()).toEqual(bad.sort());
  const answer = await fetch(new URL("api/curves?run=good-0", server.url));
  const { curves } = (await answer.json()) as { curves: Record<string, Curve> };
  expect(curves.loss.steps).toEqual(Array.from({ length: step }, (_, i) => i + 1));
  expect(curves.loss.means).toEqual(curves.loss.steps.map((at) => at - 1));
  times.sort((a, b) => a - b);
  const ms = (share: number) => times[Math.floor(share * (times.length - 1))].toFixed(0);
  await annotate(
    `${seconds.toFixed(1)} s; median ${ms(0.5)} ms, 99 % ${ms(0.99)} ms, longest ${ms(1)} ms; ` +
      `${((peak - before) / 1e6).toFixed(0)} MB more memory`,
  );
  expect(peak - before).toBeLessThan(1e9);
});
