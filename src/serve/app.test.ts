import { expect, test } from "vitest";
import type { ModelCard } from "../models/index.ts";
import { createApp } from "./app.ts";
import { completeLimits } from "./limits.ts";
import { Metrics } from "./metrics.ts";
import type { RequestModel } from "./model.ts";

/** An app over a model of which `predict` alone is asked. */
function appOf(predict: RequestModel["predict"], limits: Parameters<typeof completeLimits>[0]) {
  const faults: unknown[] = [];
  const unasked = (): never => {
    throw new Error("not asked");
  };
  const model: RequestModel = {
    card: {} as ModelCard,
    engine: "",
    offers: { predict: true, embed: false, explain: false, classify: false, search: false },
    waiting: 0,
    ...{ predict, embed: unasked, explain: unasked, classify: unasked, search: unasked },
    ...{ warmUp: unasked, dispose: unasked },
  };
  const app = createApp(model, {
    ...{ limits: completeLimits(limits), host: "127.0.0.1", metrics: new Metrics() },
    stopping: () => false,
    onFault: (error) => faults.push(error),
  });
  const ask = (path = "predict", body: BodyInit = "picture", headers: HeadersInit = {}) =>
    app.request(`http://127.0.0.1/${path}`, {
      ...{ method: "POST", body, duplex: "half", headers },
    } as RequestInit);
  return { ask, faults };
}

const ANSWER = { kind: "ranked", ranked: [{ name: "a", score: 1 }] } as const;

test("work that goes on behind its answer counts until it ends", async () => {
  const held = Promise.withResolvers<typeof ANSWER>();
  const lateness: boolean[] = [];
  const { ask } = appOf(
    async (_, isLate) => {
      const answer = await held.promise;
      lateness.push(isLate());
      return answer;
    },
    { queue: 2, time: 30 },
  );
  const statuses = async () => (await Promise.all([ask(), ask()])).map(({ status }) => status);
  expect(await statuses()).toEqual([504, 504]);
  expect(await statuses()).toEqual([503, 503]);
  held.resolve(ANSWER);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await statuses()).toEqual([200, 200]);
  expect(lateness).toEqual([true, true, false, false]);
});

test("a body that does not come ends with the time limit and frees its place", async () => {
  const { ask } = appOf(() => Promise.resolve(ANSWER), { queue: 1, time: 30 });
  const silent = new ReadableStream({ pull: () => new Promise(() => undefined) });
  expect((await ask("predict", silent)).status).toBe(504);
  expect((await ask()).status).toBe(200);
});

test("an error that is no refusal is a fault, and what it says stays here", async () => {
  const { ask, faults } = appOf(() => Promise.reject(new Error("/home/someone/run")), {});
  const response = await ask();
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("someone");
  expect(String(faults[0])).toContain("someone");
});

test("a parameter that a route does not know is named", async () => {
  const { ask } = appOf(() => Promise.resolve(ANSWER), {});
  const refused = await ask("predict?topk=3");
  expect([refused.status, await refused.json()]).toEqual([
    400,
    { error: 'unknown parameter "topk"; valid: top.' },
  ]);
  expect(await (await ask("predict?top=1")).json()).toEqual(ANSWER);
});

test("another page in the same browser does not make the model work", async () => {
  const { ask, faults } = appOf(() => Promise.resolve(ANSWER), {});
  for (const site of ["cross-site", "same-site"]) {
    const opened = { "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" }; // a form
    const headers = { "Content-Type": "text/plain", "Sec-Fetch-Site": site, ...opened };
    expect((await ask("predict", "picture", headers)).status, site).toBe(403);
  }
  expect((await ask("predict", "picture", { "Sec-Fetch-Site": "same-origin" })).status).toBe(200);
  expect(faults).toEqual([]);
});

test("a path with another method says which it takes", async () => {
  const { ask } = appOf(() => Promise.resolve(ANSWER), {});
  const refused = await ask("health");
  expect([refused.status, refused.headers.get("Allow"), await refused.json()]).toEqual([
    ...[405, "GET", { error: "/health takes GET" }],
  ]);
});

test("limits are whole numbers within their ranges, and those that are left out have defaults", () => {
  expect(completeLimits({ batch: 4, time: undefined })).toMatchObject({ batch: 4, time: 10_000 });
  expect(() => completeLimits({ batch: 0 })).toThrow(/limit of batch .* from 1 to 1024, not 0/);
  expect(() => completeLimits({ time: 3e9 })).toThrow(/limit of time/);
  expect(() => completeLimits({ byte: 3 } as object)).toThrow(/"byte"; valid: bytes/);
});
