/** @file The dashboard's answers where runs are bad, requests are many, and whoever asks is no browser. */

import { once } from "node:events";
import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, get } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeBadRuns, writeOddRun, writeRun } from "../runs/run-fixtures.ts";
import { listRuns, runsTable } from "../runs/list.ts";
import type { Curve } from "../runs/read-curves.ts";
import type { RunCard } from "../runs/read.ts";
import { type Dashboard, serveDashboard } from "./server.ts";

const SECRET = "a secret of the user's";

let dir: string;
let runs: string;
let server: Dashboard;
let said: Record<string, RegExp>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-dashboard-"));
  runs = join(dir, "runs");
  await mkdir(runs);
  const secret = join(dir, "secret.json");
  await writeFile(secret, JSON.stringify({ step: 1, secret: SECRET }));
  said = await writeBadRuns(runs, secret);
  await writeOddRun(join(runs, "odd"), secret);
  await writeRun(join(runs, "good"));
  server = await serveDashboard({ dir: runs, port: 0, host: "127.0.0.1" });
}, 60_000);
afterAll(async () => {
  await server.close();
  await rm(dir, { recursive: true });
});

const ask = (path: string) => fetch(new URL(path, server.url));
const answer = async <T>(path: string) => (await (await ask(path)).json()) as T;

test("a bad run folder is one line of the list and one card of the page", async () => {
  const listed = await listRuns(runs, { sort: "name" });
  const names = [...Object.keys(said), "good", "odd"].sort();
  expect(listed.map(({ name }) => name)).toEqual(names);
  const table = runsTable(listed).slice(1);
  const { runs: cards } = await answer<{ runs: RunCard[] }>("api/runs");
  expect(cards.map(({ name }) => name)).toEqual(names);
  for (const [name, why] of Object.entries(said)) {
    const card = cards.find((one) => one.name === name)!;
    expect(card).toMatchObject({ state: "unreadable", why: expect.stringMatching(why) as string });
    expect(table[names.indexOf(name)]).toMatch(why);
    expect((await ask(`report?run=${name}`)).status, name).toBe(200);
    expect((await ask(`api/curves?run=${name}`)).status, name).toBe(200);
  }
  expect(cards.find(({ name }) => name === "good")).toMatchObject({ step: 1, model: "vit" });
});

test("a run with odd names, links and nonsense inside is shown, and nothing that links lead to", async () => {
  const { curves } = await answer<{ curves: Record<string, Curve> }>("api/curves?run=odd");
  expect(curves.constructor).toMatchObject({ steps: [1], means: [1] });
  const report = await (await ask("report?run=odd")).text();
  expect(report).toContain("<b>constructor</b>");
  expect(report).toContain("<b>toString</b>");
  expect(report).not.toContain("native code");
  expect((await ask("api/picture?run=odd&file=0.png")).status).toBe(404);
  const asked = ["api/runs", "api/run?run=odd", "report?run=odd", "api/pictures?run=odd"];
  for (const name of Object.keys(said)) asked.push(`report?run=${name}`, `api/run?run=${name}`);
  for (const path of asked) expect(await (await ask(path)).text(), path).not.toContain(SECRET);
});

test("the list has summaries alone, and says when nothing has changed", async () => {
  const all = await answer<{ version: number; runs: object[] }>("api/runs");
  for (const run of all.runs) expect(Object.keys(run)).not.toContain("values");
  for (const run of all.runs) expect(Object.keys(run)).not.toContain("config");
  const again = await answer<{ version: number; runs?: object[] }>(`api/runs?since=${all.version}`);
  expect(again).toEqual({ dir: runs, version: all.version });
  expect(await answer("api/run?run=good")).toMatchObject({
    values: { loss: 2 },
    config: { duration: { steps: 9 } },
  });
  expect(await answer("api/search?q=duration.steps>8")).toEqual({ names: ["good", "odd"] });
  expect(await answer("api/search?q=loss%3Cx")).toMatchObject({
    mistake: 'loss< needs a number, not "x".',
  });
});

test("curves that are asked for at once while they grow are those of the file", async () => {
  const folder = await writeRun(join(runs, "growing"), "");
  const path = "api/curves?run=growing";
  await expect.poll(async () => (await ask(path)).status, { timeout: 5000 }).toBe(200);
  for (let step = 1; step <= 200; step += 20) {
    const lines = Array.from({ length: 20 }, (_, i) => `{"step":${step + i},"loss":${step + i}}\n`);
    const asked = Array.from({ length: 20 }, () => answer<object>(path));
    await appendFile(join(folder, "metrics.jsonl"), lines.join(""));
    await Promise.all([...asked, ...Array.from({ length: 20 }, () => answer<object>(path))]);
  }
  const { curves } = await answer<{ curves: Record<string, Curve> }>(path);
  const steps = Array.from({ length: 200 }, (_, i) => i + 1);
  expect(curves.loss.steps).toEqual(steps);
  expect(curves.loss.means).toEqual(steps);
  await rm(folder, { recursive: true });
});

test("every response has the headers that keep it to itself", async () => {
  const wanted = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
  };
  const { port } = new URL(server.url);
  const options = (path: string, host: string) => ({ port, path, headers: { host } });
  for (const [path, status, host = `127.0.0.1:${port}`] of [
    ["/", 200],
    ["/page.js", 200],
    ["/api/runs", 200],
    ["/report?run=good", 200],
    ["/report?run=none", 404],
    ["/nothing", 404],
    ["/", 403, "elsewhere.example"],
    ["/", 400, "a b"],
  ] as const) {
    const [response] = (await once(get(options(path, host)), "response")) as [IncomingMessage];
    response.resume();
    expect(response.statusCode, path).toBe(status);
    const isSandbox = path === "/report?run=good"; // of no origin, so that it needs no opener policy
    const opener = isSandbox ? { "cross-origin-opener-policy": "unsafe-none" } : {};
    expect(response.headers, `${path} ${status}`).toMatchObject({ ...wanted, ...opener });
    expect(/^sandbox allow-scripts;/.test(response.headers["content-security-policy"] as string)).toBe(isSandbox); // prettier-ignore
    expect(response.headers["content-security-policy"], path).toContain("frame-ancestors 'none'");
  }
  const socket = connect(Number(port), "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => (text += String(chunk)));
  socket.write("nonsense\r\n\r\n");
  await once(socket, "close");
  expect(text).toMatch(/^HTTP\/1.1 400 /);
  expect(text).toContain("X-Content-Type-Options: nosniff");
});
