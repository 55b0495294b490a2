/** @file A served model: the numbers of `ocelli predict`, batches, refusals, and an end in order. */

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openMnist } from "../../src/data/classification/mnist.ts";
import { type ServedAddress, serveModel } from "../../src/serve/server.ts";
import { startCli } from "./small-run.ts";
import { TINY, lastJson, runCli } from "./run-cli.ts";

let dir: string;
let run: string;
let server: ServedAddress;
let picture: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-serve-"));
  run = join(dir, "run");
  const trained = await runCli(["train", "quickstart", ...TINY, "--workdir", run]);
  expect(trained.code).toBe(0);
  const { image } = await (await (await openMnist()).open("test")).read(3);
  const raw = { width: 28, height: 28, channels: 1 } as const;
  picture = new Uint8Array(
    await sharp(image.data as Uint8Array, { raw })
      .png()
      .toBuffer(),
  );
  await writeFile(join(dir, "digit.png"), picture);
  server = await serveModel(run, { port: 0, limits: { bytes: 100_000, pixels: 250_000 } });
}, 60_000);
afterAll(async () => {
  await server.close();
  await rm(dir, { recursive: true });
});

const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(new URL(path, server.url), { method: "POST", body, headers });

interface Ranked {
  readonly ranked: readonly { readonly name: string; readonly score: number }[];
}

test("an answer is that of ocelli predict, of a body and of a form's file", async () => {
  const told = await runCli(["predict", run, join(dir, "digit.png"), "--top-k", "4", "--json"]);
  const { predictions } = lastJson<{ readonly predictions: readonly Ranked[] }>(told);
  const form = new FormData();
  form.append("file", new Blob([picture]), "digit.png");
  for (const body of [picture, form]) {
    const response = await post("predict?top=4", body);
    expect(response.status).toBe(200);
    const { ranked } = (await response.json()) as Ranked;
    expect(ranked.map(({ name }) => name)).toEqual(predictions[0].ranked.map(({ name }) => name));
    ranked.forEach(({ score }, i) => expect(score).toBeCloseTo(predictions[0].ranked[i].score, 5));
  }
});

test("requests of the same moment share batches, each with its own answer", async () => {
  const pictures = await Promise.all(
    Array.from({ length: 24 }, (_, i) =>
      sharp({
        create: { width: 20 + i, height: 30, channels: 3, background: `rgb(${i * 10},90,20)` },
      })
        .png()
        .toBuffer(),
    ),
  );
  const ask = async (file: Uint8Array): Promise<string> =>
    (await post("predict?top=10", new Uint8Array(file))).text();
  const alone: string[] = [];
  for (const file of pictures) alone.push(await ask(file));
  const together = await Promise.all(pictures.map(ask));
  const scores = (text: string) =>
    [...(JSON.parse(text) as Ranked).ranked].sort((a, b) => (a.name < b.name ? -1 : 1));
  together.forEach((text, i) =>
    scores(text).forEach(({ score }, k) => expect(score).toBeCloseTo(scores(alone[i])[k].score, 5)),
  );
  const metrics = await (await fetch(new URL("metrics", server.url))).text();
  const value = (name: string): number =>
    Number(
      metrics
        .split("\n")
        .find((line) => line.startsWith(name))!
        .split(" ")
        .at(-1),
    );
  expect(value('ocelli_requests_total{route="/predict",status="200"}')).toBeGreaterThanOrEqual(48);
  expect(value("ocelli_batch_size_count")).toBeLessThan(value("ocelli_batch_size_sum"));
  expect(value("ocelli_queue_length")).toBe(0);
});

test("features and explanations", async () => {
  const { features } = (await (await post("embed", picture)).json()) as { features: number[] };
  expect(features).toHaveLength(16);
  const response = await post("explain?class=3&top=2", picture);
  const found = (await response.json()) as Ranked & Readonly<Record<"class" | "picture", string>>;
  expect(found.class).toBe("3");
  expect(found.ranked).toHaveLength(2);
  const png = Buffer.from(found.picture.split(",")[1], "base64");
  expect((await sharp(png).metadata()).format).toBe("png");
});

test("bad input is refused with a number of 4xx and one sentence", async () => {
  const large = await sharp({
    create: { width: 600, height: 600, channels: 3, background: "red" },
  })
    .png()
    .toBuffer();
  const cases: [number, RegExp, Promise<Response>][] = [
    [400, /there is no picture/, post("predict", "")],
    [422, /no image of a known format/, post("predict", "no picture")],
    [422, /cannot be decoded/, post("predict", picture.slice(0, 100))],
    [422, /600 × 600 pixels/, post("predict", new Uint8Array(large))],
    [413, /more than 100000 bytes/, post("predict", new Uint8Array(100_001))],
    [400, /top must be a whole number/, post("predict?top=x", picture)],
    [400, /^unknown class "eleven"; valid: .*, …\.$/, post("explain?class=eleven", picture)],
    [400, /^unknown parameter "topk"; valid: top\.$/, post("predict?topk=3", picture)],
    [400, /the form/, post("predict", "x", { "Content-Type": "multipart/form-data; boundary=b" })],
    [404, /there is no \/nothing/, post("nothing", picture)],
    [405, /takes POST/, fetch(new URL("predict", server.url))],
  ];
  for (const [status, message, asked] of cases) {
    const response = await asked;
    const { error } = (await response.json()) as { readonly error: string };
    expect([status, error]).toEqual([response.status, expect.stringMatching(message)]);
  }
  const chunks = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(60_000)),
  });
  const endless = await fetch(new URL("predict", server.url), {
    ...{ method: "POST", body: chunks, duplex: "half" },
  } as RequestInit);
  expect(endless.status).toBe(413);
  const other = await raw(`GET /health HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n`);
  expect(other).toMatch(/^HTTP\/1\.1 403/);
  expect(await (await fetch(new URL("health", server.url))).json()).toEqual({ status: "ok" });
});

/** What the server answers to a text. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (data) => (answer += String(data)));
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });

test("the description names what the model offers, and the page loads", async () => {
  const api = (await (await fetch(new URL("openapi.json", server.url))).json()) as {
    readonly openapi: string;
    readonly paths: object;
  };
  expect(api.openapi).toBe("3.1.0");
  expect(Object.keys(api.paths).sort()).toEqual([
    ...["/embed", "/explain", "/health", "/metrics", "/predict"],
  ]);
  const page = await fetch(server.url);
  expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
  expect(await page.text()).toContain("page.js");
});

test("other machines need a token, which is asked of every request that computes", async () => {
  await expect(serveModel(run, { host: "0.0.0.0", port: 0 })).rejects.toThrow(/--token/);
  for (const token of ["", "two words", "pässwort"]) {
    await expect(serveModel(run, { host: "0.0.0.0", port: 0, token })).rejects.toThrow(/the token/);
  }
  const secured = await serveModel(run, { host: "0.0.0.0", port: 0, token: "secret" });
  const url = secured.url.replace("0.0.0.0", "127.0.0.1");
  const ask = (headers: Record<string, string>) =>
    fetch(new URL("predict", url), { method: "POST", body: picture, headers });
  try {
    expect((await ask({})).status).toBe(401);
    expect((await ask({ Authorization: "Bearer wrong" })).status).toBe(401);
    expect((await ask({ Authorization: "Bearer secret" })).status).toBe(200);
    expect((await fetch(new URL("metrics", url))).status).toBe(401);
    expect((await fetch(new URL("health", url))).status).toBe(200);
  } finally {
    await secured.close();
  }
});

test("limits below what a model is warmed up with are no obstacle", async () => {
  const limits = { queue: 2, pixels: 1000, time: 2000, batch: 3 };
  const small = await serveModel(run, { port: 0, limits });
  try {
    const ask = (body: BodyInit) =>
      fetch(new URL("predict", small.url), { method: "POST", body }).then(({ status }) => status);
    expect(await ask(picture)).toBe(200);
    const statuses = await Promise.all(Array.from({ length: 12 }, () => ask(picture)));
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
  } finally {
    await small.close();
  }
});

test("a model that decodes images smaller answers as ocelli predict does", async () => {
  const fast = join(dir, "fast");
  const preprocess = ["train", "eval"].flatMap((split) => [
    ...[`--preprocess.${split}`, "fast_decode|resize_small(16)|central_crop(16)|value_range(-1,1)"],
  ]);
  const images = join(dir, "images");
  for (const [i, name] of ["dark", "light"].entries()) {
    await mkdir(join(images, name), { recursive: true });
    for (let n = 0; n < 8; n++) {
      const create = {
        width: 300,
        height: 200,
        channels: 3,
        background: i ? "#ccc" : "#333",
      } as const;
      const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
      await sharp({ create: { ...create, noise } })
        .modulate({ brightness: 0.5 + i })
        .jpeg()
        .toFile(join(images, name, `${n}.jpg`));
    }
  }
  const how = ["--batchSize", "4", "--duration.steps", "3", "--workdir", fast];
  const trained = await runCli(["train", "folder", "--data", images, ...preprocess, ...how]);
  expect(trained.code).toBe(0);
  const file = join(images, "light", "3.jpg");
  const told = await runCli(["predict", fast, file, "--json"]);
  const { predictions } = lastJson<{ readonly predictions: readonly Ranked[] }>(told);
  const served = await serveModel(fast, { port: 0 });
  try {
    const body = new Uint8Array(await readFile(file));
    const response = await fetch(new URL("predict", served.url), { method: "POST", body });
    const { ranked } = (await response.json()) as Ranked;
    ranked.forEach(({ name, score }, i) => {
      expect(name).toBe(predictions[0].ranked[i].name);
      expect(score).toBeCloseTo(predictions[0].ranked[i].score, 5);
    });
    const explained = await fetch(new URL("explain", served.url), { method: "POST", body });
    const found = (await explained.json()) as Ranked;
    expect(found.ranked[0].score).toBeCloseTo(predictions[0].ranked[0].score, 5);
  } finally {
    await served.close();
  }
}, 60_000);

test("an exported model says what it cannot do", async () => {
  const file = join(dir, "model.onnx");
  await runCli(["export", run, "--to", "onnx", "--out", file]);
  const exported = await serveModel(file, { port: 0 });
  try {
    const ask = (path: string) =>
      fetch(new URL(path, exported.url), { method: "POST", body: picture });
    expect((await ask("predict")).status).toBe(200);
    const refused = await ask("explain");
    expect(refused.status).toBe(501);
    expect(await refused.text()).toMatch(/no explanations.*Serve the run/);
    expect((await ask("embed")).status).toBe(501);
  } finally {
    await exported.close();
  }
  await runCli(["export", run, "--to", "onnx", "--output", "embed", "--out", file]);
  const features = await serveModel(file, { port: 0 });
  try {
    const ask = (path: string) =>
      fetch(new URL(path, features.url), { method: "POST", body: picture });
    expect((await ask("embed")).status).toBe(200);
    const refused = await ask("predict");
    expect([refused.status, await refused.json()]).toEqual([
      501,
      { error: "this model gives no answers. Ask it for features: POST /embed." },
    ]);
  } finally {
    await features.close();
  }
});

/** A port that nothing listens at. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

test("the command answers what is open when it is stopped, and leaves no file", async () => {
  const before = (await readdir(run)).sort();
  const served = startCli(["serve", run, "--port", String(await freePort())]);
  const address = async (): Promise<string> => {
    for (;;) {
      const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(served.text()) ?? [];
      if (url !== undefined) return url;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const url = await address();
  if (process.platform === "linux" && process.execve) {
    // it has replaced itself by a process whose heap stays small
    const flags = (await readFile(`/proc/${served.pid}/cmdline`, "utf8")).split("\0");
    expect(flags).toContain("--max-semi-space-size=16");
  }
  const asked = Promise.all(
    Array.from({ length: 8 }, () =>
      fetch(new URL("predict", url), { method: "POST", body: picture }).then(
        ({ status }) => status,
      ),
    ),
  );
  await fetch(new URL("health", url));
  served.kill("SIGTERM");
  expect(await asked).toEqual(Array.from({ length: 8 }, () => 200));
  expect(await served.ended).toBe(0);
  expect((await readdir(run)).sort()).toEqual(before);
  expect(await readFile(join(dir, "digit.png"))).toEqual(Buffer.from(picture));
}, 60_000);
