/** @file The dashboard's pictures of a run's data, its model's look at them, and trainings that it starts, over HTTP. */

import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { type IncomingMessage, type Server, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Dashboard, serveDashboard } from "../../src/dashboard/server.ts";
import { Explanations } from "../../src/dashboard/pictures/explanations.ts";
import { type Look, lookAt } from "../../src/dashboard/pictures/look.ts";
import { RunDataStore } from "../../src/dashboard/pictures/run-data.ts";
import type { Training } from "../../src/dashboard/trainings/launcher.ts";
import { seededRandom } from "../../src/random.ts";
import { runCli } from "./run-cli.ts";

const SECRET = "a secret of the user's";
const CLASSES = ["dark", "light"] as const;
const EACH = 20;
const SMALL = [
  "--engine=interpreter",
  "--batchSize=8",
  "--duration.steps=4",
  "--model.width=16",
  "--model.depth=1",
  "--model.numHeads=2",
  "--model.mlpDim=32",
  "--preprocess.train=decode|resize(16)|value_range(-1,1)",
  "--preprocess.eval=decode|resize(16)|value_range(-1,1)",
];
const NAVIGATION = { "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };
const SOON = { timeout: 60_000, interval: 200 };

let dir: string;
let server: Dashboard;
let token: string;
/** A machine of somebody else, and what it was asked for. */
let elsewhere: Server;
const heard: string[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-dashboard-pictures-"));
  const random = seededRandom("pictures", 1);
  for (const [label, name] of CLASSES.entries()) {
    await mkdir(join(dir, "pets", name), { recursive: true });
    for (let i = 0; i < EACH; i++) {
      const pixels = Uint8Array.from(
        { length: 20 * 16 * 3 },
        () => 120 * label + random.integer(0, 99),
      );
      await sharp(pixels, { raw: { width: 20, height: 16, channels: 3 } })
        .png()
        .toFile(join(dir, "pets", name, `${i}.png`));
    }
  }
  await writeFile(join(dir, "secret.png"), SECRET);
  await symlink(join(dir, "secret.png"), join(dir, "pets", "light", "linked.png"));
  const flags = ["--data", join(dir, "pets"), ...SMALL, "--workdir", join(dir, "runs", "pets")];
  const trained = await runCli(["train", "folder", ...flags]);
  expect(trained.stderr).toBe("");
  elsewhere = createServer((asked, answer) => {
    heard.push(asked.url!);
    answer.end();
  }).listen(0, "127.0.0.1");
  await once(elsewhere, "listening");
  const address = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  await makeRun("far", { name: "jsonl", files: { train: `${address}/all.jsonl` } });
  const rows = join(dir, "rows.csv");
  await writeFile(rows, `file,label\n${address}/0.png,a\n${address}/1.png,b\n`);
  await makeRun("rows", { name: "csv", files: { train: rows } });
  await makeRun("share", { name: "folder", dir: "//elsewhere.example/pictures" });
  await makeRun("gone", { name: "folder", dir: join(dir, "none") });
  const program = join(import.meta.dirname, "../../bin/ocelli.js");
  const recipe = (name: string, config: unknown) => ({
    ...{ name, summary: name, load: () => Promise.resolve(config) },
  });
  const { default: folder } = (await import("../../recipes/folder.ts")) as { default: unknown };
  const recipes = [recipe("folder", folder), recipe("sweep", { base: {} })];
  const place = { dir: join(dir, "runs"), port: 0, host: "127.0.0.1" };
  server = await serveDashboard({ ...place, trainings: { recipes, program } });
  token = await tokenOf(server);
}, 120_000);
afterAll(async () => {
  await server?.close();
  elsewhere?.close();
  await rm(dir, { recursive: true, force: true });
});

async function makeRun(name: string, data: object): Promise<void> {
  const folder = join(dir, "runs", name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify({ name, data }));
  await writeFile(join(folder, "metrics.jsonl"), "");
}

async function tokenOf({ url }: Dashboard): Promise<string> {
  const html = await (await fetch(url)).text();
  return /name="ocelli-token" content="([\w-]{30,})"/.exec(html)![1];
}

const get = (path: string, values: Record<string, string | number> = {}, to = server) =>
  fetch(new URL(`${path}?${new URLSearchParams(Object.entries(values).map(([k, v]) => [k, String(v)]))}`, to.url)); // prettier-ignore

/** A request as a page sends it; undefined leaves a header out. */
async function post(
  path: string,
  body: unknown,
  headers: Record<string, string | undefined> = {},
  to = server,
): Promise<{ status: number; text: string; headers: IncomingMessage["headers"] }> {
  const { origin } = new URL(to.url);
  const all = {
    Origin: origin,
    "Content-Type": "application/json",
    "X-Ocelli-Token": token,
    ...headers,
  };
  const given = Object.entries(all).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const asked = request(new URL(path, to.url), {
    method: "POST",
    headers: Object.fromEntries(given),
  });
  asked.end(JSON.stringify(body));
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode!, text, headers: response.headers };
}

interface Page {
  splits: string[];
  names: string[];
  counts: number[];
  total: number;
  items: { index: number; id: string; label: string }[];
}

describe("a run's data", () => {
  test("is listed by split and label, and shown picture by picture", async () => {
    const page = (await (await get("api/data", { run: "pets" })).json()) as Page;
    expect(page.splits).toEqual(expect.arrayContaining(["train", "validation", "test"]));
    expect(page.names).toEqual(CLASSES);
    expect(page.total).toBe(page.counts[0] + page.counts[1]);
    const light = (await (
      await get("api/data", { run: "pets", split: "train", label: 1 })
    ).json()) as Page;
    expect(light.total).toBe(page.counts[1]);
    expect(new Set(light.items.map(({ label }) => label))).toEqual(new Set(["light"]));
    const rest = (await (
      await get("api/data", { run: "pets", split: "train", from: page.total - 1 })
    ).json()) as Page;
    expect(rest.items).toHaveLength(1);
    const { index } = light.items[0];
    const shown = await get("api/data/picture", { run: "pets", split: "train", index });
    expect(shown.headers.get("content-type")).toBe("image/png");
    expect(shown.headers.get("x-content-type-options")).toBe("nosniff");
    expect(shown.headers.get("cross-origin-resource-policy")).toBe("same-origin");
    const file = await readFile(join(dir, "pets", light.items[0].id));
    const pixels = (bytes: Uint8Array) => sharp(bytes).removeAlpha().raw().toBuffer();
    expect(await pixels(new Uint8Array(await shown.arrayBuffer()))).toEqual(await pixels(file));
  });

  test("nothing but its pictures is served, and what is wrong is a line", async () => {
    for (const [values, status] of [
      [{ run: "pets", split: "../../secret", index: 0 }, 404],
      [{ run: "pets", split: "train", index: -1 }, 404],
      [{ run: "pets", split: "train", index: 1000 }, 404],
      [{ run: "pets", split: "train", index: "../secret.png" }, 404],
      [{ run: "../pets", split: "train", index: 0 }, 404],
      [{ run: "gone", split: "train", index: 0 }, 422],
      [{ run: "far", split: "train", index: 0 }, 422],
      [{ run: "rows", split: "train", index: 0 }, 422],
      [{ run: "share", split: "train", index: 0 }, 422],
    ] as const) {
      const response = await get("api/data/picture", values);
      expect(response.status, JSON.stringify(values)).toBe(status);
      expect(response.headers.get("content-security-policy")).toContain("default-src 'self'");
      expect(await response.text()).not.toContain(SECRET);
    }
    const all = await Promise.all(
      ["train", "validation", "test"].map(async (split) => {
        const { total } = (await (await get("api/data", { run: "pets", split })).json()) as Page;
        return Promise.all(Array.from({ length: total }, (_, index) => get("api/data/picture", { run: "pets", split, index }))); // prettier-ignore
      }),
    );
    for (const response of all.flat()) expect(await response.text()).not.toContain(SECRET);
    for (const [path, run] of [
      ["api/data", "far"],
      ["api/data", "share"],
      ["api/data/picture", "rows"],
    ]) {
      const response = await get(path, { run, split: "train", index: 0 });
      expect(await response.text(), run).toContain("data of this machine only");
    }
    const asked = await post("api/look", { run: "rows", split: "train" });
    expect(asked.status).not.toBe(200);
    expect(heard).toEqual([]);
  });

  test("a page that others can reach shows no pictures of data", async () => {
    const open = await serveDashboard({ dir: join(dir, "runs"), port: 0, host: "0.0.0.0" });
    try {
      expect((await get("api/runs", {}, open)).status).toBe(200);
      for (const path of ["api/data", "api/data/picture"]) {
        const response = await get(path, { run: "pets", split: "train", index: 0 }, open);
        expect(response.status, path).toBe(403);
      }
      const headers = { "X-Ocelli-Token": await tokenOf(open) };
      for (const path of ["api/look", "api/explain"]) {
        const given = { run: "pets", split: "train", index: 0 };
        expect((await post(path, given, headers, open)).status, path).toBe(403);
      }
    } finally {
      await open.close();
    }
  });

  test("the model looks at it: answers, a map and neighbours", { timeout: 60_000 }, async () => {
    const answer = await post("api/look", { run: "pets", split: "train" });
    expect(answer.status).toBe(200);
    const look = JSON.parse(answer.text) as Look;
    expect(look.pictures.length + look.unreadable).toBe(look.total);
    for (const one of look.pictures) {
      expect(CLASSES).toContain(one.predicted);
      expect(one.near.length).toBeLessThanOrEqual(8);
      expect(one.near).not.toContain(look.pictures.indexOf(one));
    }
    // dark and light pictures are apart: the first component alone tells them
    const ofLabel = (label: number) =>
      look.pictures.filter((one) => one.label === label).map(({ x }) => x);
    const [dark, light] = [ofLabel(0), ofLabel(1)];
    expect(Math.max(...dark) < Math.min(...light) || Math.max(...light) < Math.min(...dark)).toBe(
      true,
    );
  });

  test("of many pictures some are looked at, evenly", { timeout: 60_000 }, async () => {
    const folder = join(dir, "runs", "pets");
    const split = await new RunDataStore().open(folder, "train");
    const { length } = split.source;
    const { pictures, total } = await lookAt(folder, split, 8);
    expect(total).toBe(length);
    const places = Array.from({ length: 8 }, (_, i) => Math.floor((i * length) / 8));
    expect(places).toEqual(expect.arrayContaining(pictures.map(({ index }) => index)));
    expect(pictures.length).toBeGreaterThanOrEqual(7);
  });

  test("a model that was given up is opened again", { timeout: 60_000 }, async () => {
    const folder = join(dir, "runs", "pets");
    const { source } = await new RunDataStore().open(folder, "test");
    const explanations = new Explanations();
    const wanted = { source, index: 0, method: "attention" } as const;
    const first = await explanations.explain(folder, wanted);
    await explanations.dispose();
    expect((await explanations.explain(folder, wanted)).pictures).toEqual(first.pictures);
    await explanations.dispose();
  });

  test("a picture is explained", { timeout: 60_000 }, async () => {
    const given = { run: "pets", split: "test", index: 0 };
    const answer = await post("api/explain", { ...given, label: "light" });
    expect(answer.status).toBe(200);
    const found = JSON.parse(answer.text) as Record<string, string>;
    expect(found.label).toBe("light");
    expect(found.original).toMatch(/^data:image\/png;base64,/);
    expect(found.map).not.toBe(found.original);
    expect((await post("api/explain", { ...given, label: "none" })).text).toContain('"none"');
    expect((await post("api/explain", { ...given, method: "magic" })).text).toContain("grad-cam");
    expect((await post("api/explain", { ...given, index: 999 })).status).toBe(404);
  });
});

describe("trainings", () => {
  const form = (name: string, values: Record<string, unknown> = {}) => {
    const set = Object.fromEntries(SMALL.slice(1).map((flag) => flag.slice(2).split(/=(.*)/s)));
    return {
      recipe: "folder",
      name,
      data: join(dir, "pets"),
      engine: "interpreter",
      values: { ...set, ...values },
    };
  };
  const trainings = async () =>
    ((await (await get("api/trainings")).json()) as { trainings: Training[] }).trainings;
  const stateOf = async (run: string) => (await trainings()).find((one) => one.run === run)?.state;

  test("the form offers recipes with their values, and every plain key of the configuration", async () => {
    const offered = (await (await get("api/form")).json()) as {
      recipes: { name: string; values: Record<string, unknown>; needsData: boolean }[];
      keys: { key: string }[];
    };
    expect(offered.recipes).toMatchObject([{ name: "folder", needsData: true }]);
    expect(offered.recipes[0].values["duration.epochs"]).toBe(30);
    const keys = offered.keys.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toEqual(expect.arrayContaining(["seed", "optimizer.lr", "model.width"]));
    expect(keys.filter((key) => /^(data|name)|NAME/.test(key))).toEqual([]);
  });

  test("a training is started, and ends as a run", { timeout: 120_000 }, async () => {
    expect(await post("api/start", form("started"))).toMatchObject({ status: 200 });
    await expect.poll(() => stateOf("started"), SOON).toBe("ended");
    const config = JSON.parse(
      await readFile(join(dir, "runs", "started", "config.json"), "utf8"),
    ) as object;
    expect(config).toMatchObject({ batchSize: 8, duration: { steps: 4 } });
    expect(await post("api/start", form("started"))).toMatchObject({
      status: 400,
      text: expect.stringContaining("there is a run started already") as string,
    });
  });

  test(
    "a training is stopped in order, and one that cannot begin says why",
    { timeout: 120_000 },
    async () => {
      const long = form("stopped", { "duration.steps": "100000" });
      expect(await post("api/start", long)).toMatchObject({ status: 200 });
      const lines = () =>
        readFile(join(dir, "runs", "stopped", "metrics.jsonl"), "utf8").catch(() => "");
      await expect.poll(lines, SOON).not.toBe("");
      expect(await post("api/stop", { run: "stopped" })).toMatchObject({ status: 200 });
      await expect.poll(() => stateOf("stopped"), SOON).toBe("ended");
      const result = JSON.parse(
        await readFile(join(dir, "runs", "stopped", "result.json"), "utf8"),
      ) as object;
      expect(result).toMatchObject({ interrupted: true });
      expect((await post("api/stop", { run: "stopped" })).status).toBe(400);
      expect((await post("api/stop", { run: "pets" })).status).toBe(400);

      expect(await post("api/start", form("wrong", { batchSize: "none" }))).toMatchObject({
        status: 200,
      });
      await expect.poll(() => stateOf("wrong"), SOON).toBe("failed");
      const { lines: said } = (await trainings()).find(({ run }) => run === "wrong")!;
      expect(said.join()).toMatch(/^ocelli: .*batchSize/);
    },
  );

  test("of two requests at once for one name one starts a training", async () => {
    const answers = await Promise.all([
      post("api/start", form("twice")),
      post("api/start", form("twice")),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    await expect.poll(() => stateOf("twice"), SOON).toBe("ended");
  });

  test(
    "a server that ends stops its trainings, and has them save what they learned",
    { timeout: 120_000 },
    async () => {
      const { default: folder } = (await import("../../recipes/folder.ts")) as { default: unknown };
      const recipe = { name: "folder", summary: "", load: () => Promise.resolve(folder) };
      const program = join(import.meta.dirname, "../../bin/ocelli.js");
      const own = join(dir, "ending");
      const place = { dir: own, port: 0, host: "127.0.0.1" };
      const other = await serveDashboard({ ...place, trainings: { recipes: [recipe], program } });
      const headers = { "X-Ocelli-Token": await tokenOf(other) };
      for (const name of ["first", "second"]) {
        const given = form(name, { "duration.steps": "100000" });
        expect(await post("api/start", given, headers, other)).toMatchObject({ status: 200 });
        if (name === "second") continue; // is stopped while it only begins
        const lines = () => readFile(join(own, name, "metrics.jsonl"), "utf8").catch(() => "");
        await expect.poll(lines, SOON).not.toBe("");
      }
      expect(other.going()).toBe(2);
      await other.close();
      expect(other.going()).toBe(0);
      const result = JSON.parse(
        await readFile(join(own, "first", "result.json"), "utf8"),
      ) as object;
      expect(result).toMatchObject({ interrupted: true });
    },
  );

  test.each([
    ["a recipe that is a path", { recipe: "/tmp/evil.ts" }, /recipe .*valid|folder/],
    ["a sweep", { recipe: "sweep" }, /recipe/],
    ["a name above", { name: "../outside" }, /a run's name/],
    ["a hidden name", { name: ".hidden" }, /a run's name/],
    ["an unknown setting", { values: { use: "evil.ts" } }, /setting "use"/],
    ["a flag", { values: { workdir: "/tmp" } }, /setting "workdir"/],
    ["data by a setting", { values: { "data.dir": "/" } }, /setting "data.dir"/],
    ["an unknown engine", { engine: "evil" }, /engine "evil"/],
    ["a value that is no text", { values: { seed: { a: 1 } } }, /seed must be a text/],
  ])("%s is refused", async (_, change, why) => {
    const { status, text } = await post("api/start", { ...form("refused"), ...change });
    expect(text).toMatch(why);
    expect(status).toBe(400);
    expect((await trainings()).map(({ run }) => run)).not.toContain("refused");
  });

  test.each([
    ["another origin", { Origin: "http://elsewhere.example" }],
    ["no origin", { Origin: undefined }],
    ["a sandboxed page", { Origin: "null" }],
    ["no token", { "X-Ocelli-Token": undefined }],
    ["a wrong token", { "X-Ocelli-Token": "x".repeat(32) }],
    ["a form's content type", { "Content-Type": "text/plain" }],
  ])("a request from %s computes and starts nothing", async (_, headers) => {
    for (const path of ["api/start", "api/stop", "api/look", "api/explain"]) {
      const { status, headers: answered } = await post(path, form("forged"), headers);
      expect(status, path).toBe(403);
      expect(answered["x-frame-options"]).toBe("DENY");
    }
    expect((await trainings()).map(({ run }) => run)).not.toContain("forged");
  });

  test.each([
    ["a picture of another page", { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors" }],
    ["a page at another port", { "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors" }],
    [
      "a frame",
      { ...{ "Sec-Fetch-Site": "cross-site" }, ...NAVIGATION, "Sec-Fetch-Dest": "iframe" },
    ],
    ["a form", { "Sec-Fetch-Site": "cross-site", ...NAVIGATION }],
  ])("%s gets nothing, read or not", async (what, headers) => {
    const ask = (path: string, method = "GET") =>
      new Promise<number>((resolve) => {
        const url = new URL(path, server.url);
        const asked = request(url, { method, headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode!);
        });
        asked.end();
      });
    if (what === "a form") {
      expect(await ask("api/start", "POST")).toBe(403);
      expect(await ask("")).toBe(200); // a link
      return;
    }
    for (const path of ["", "api/runs", "api/data?run=pets", "report?run=pets"]) {
      expect(await ask(path), path).toBe(403);
    }
  });

  test("a page without trainings starts none, and its token is another", async () => {
    const place = { dir: join(dir, "runs"), port: 0, host: "127.0.0.1" };
    const other = await serveDashboard(place);
    try {
      const theirs = await tokenOf(other);
      expect(theirs).not.toBe(token);
      const headers = { "X-Ocelli-Token": theirs };
      expect((await post("api/start", form("none"), headers, other)).status).toBe(403);
      expect((await fetch(new URL("api/form", other.url))).status).toBe(403);
    } finally {
      await other.close();
    }
  });
});
