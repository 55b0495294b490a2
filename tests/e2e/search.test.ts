/** @file Pictures indexed, killed in the middle, resumed, changed, and found by words and by pictures. */

import { existsSync } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Hit,
  type IndexResult,
  type Ranked,
  indexFolder,
  openSearch,
  serveModel,
  train,
} from "../../src/index.ts";
import { type Captured, lastJson, runCli } from "./run-cli.ts";
import { COLOURS, PLACES } from "./captioned-drawings.ts";
import { writePairs } from "./small-pairs.ts";
import { startCli } from "./small-run.ts";

let dir: string;
const at = (...names: string[]) => join(dir, ...names);
const run = () => at("run");
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-search-"));
  process.env.OCELLI_CACHE = at("cache");
  const config = await writePairs(dir);
  await train(config, { engine: "interpreter", workdir: run() });
  await mkdir(at("holiday", "more"), { recursive: true });
  for (const colour of Object.keys(COLOURS)) {
    for (const place of Object.keys(PLACES)) {
      const name = `${colour}-${place}.png`;
      await copyFile(at(name), at("holiday", ...(place === "left" ? [] : ["more"]), name));
    }
  }
  await writeFile(at("holiday", "broken.png"), "no picture");
  await writeFile(at("holiday", "notes.txt"), "no picture");
}, 120_000);
afterAll(async () => {
  delete process.env.OCELLI_CACHE;
  await rm(dir, { recursive: true });
});

const search = (...args: string[]): Promise<Captured> =>
  runCli(["search", ...args, "--engine", "interpreter"]);
const index = async (...args: string[]): Promise<IndexResult> => {
  const captured = await search("index", at("holiday"), "--model", run(), ...args, "--json");
  expect(captured.code, captured.stderr).toBe(0);
  return lastJson<IndexResult>(captured);
};
const hitsOf = (captured: Captured): Hit[] => {
  expect(captured.code, captured.stderr).toBe(0);
  return lastJson<{ hits: Hit[] }>(captured).hits;
};

test("a folder is indexed, and searched by words, by a picture and by both", async () => {
  const captured = await search("index", at("holiday"), "--model", run());
  expect(captured.code).toBe(0);
  expect(captured.stdout).toContain("left out broken.png:");
  expect(captured.stdout).toContain("8 pictures (8 new, 1 left out)");
  expect(captured.stdout).toContain(`${run()} searches by words and by picture`);
  const words = hitsOf(await search("red on the left", "--index", at("holiday"), "--json"));
  expect(words).toHaveLength(8);
  expect(words[0].image).toBe(at("holiday", "red-left.png"));
  const picture = at("blue-right.png");
  const [like] = hitsOf(await search("--image", picture, "--top", "1", "--json"));
  expect(like).toEqual({
    image: at("holiday", "more", "blue-right.png"),
    score: expect.closeTo(1, 5) as number,
  });

  // the mean of both vectors, at length 1
  const searcher = await openSearch(at("holiday"), { engine: "interpreter" });
  const scores = async (query: object): Promise<Map<string, number>> =>
    new Map((await searcher.search(query, 8)).map(({ image, score }) => [image, score]));
  const text = "white on the left";
  const [a, b, both] = [
    await scores({ text }),
    await scores({ image: picture }),
    await scores({ text, image: picture }),
  ];
  for (const top of [0, 2.5, NaN]) {
    await expect(searcher.search({ text }, top)).rejects.toThrow("top must be a whole number");
  }
  await searcher.dispose();
  const ratios = [...both].map(([image, score]) => score / (a.get(image)! + b.get(image)!));
  for (const ratio of ratios) expect(ratio).toBeCloseTo(ratios[0], 3);
  expect(ratios[0]).toBeGreaterThan(0.5);
});

test("a page shows what was found, with links to the files and nothing from elsewhere", async () => {
  const page = at("found.html");
  const found = await search(
    "red on the left",
    "--index",
    at("holiday"),
    "--top",
    "3",
    "--html",
    page,
  );
  expect(found.stdout).toContain(`page   ${page}`);
  const text = await readFile(page, "utf8");
  expect(text.match(/src="data:image\/png;base64/g)).toHaveLength(3);
  expect(text).toContain('href="file://');
  expect(text).toContain("red-left.png");
  expect(text).not.toMatch(/(src|href)="https?:/);
});

test("an update computes what is new or changed alone, and forgets what is gone", async () => {
  expect(await index()).toMatchObject({
    unchanged: 8,
    added: 0,
    changed: 0,
    removed: 0,
    skipped: 1,
  });
  await copyFile(at("green-left.png"), at("holiday", "red-left.png")); // changed
  await copyFile(at("red-left.png"), at("holiday", "new.png"));
  await rename(at("holiday", "blue-left.png"), at("holiday", "more", "moved.png"));
  await rm(at("holiday", "white-left.png"));
  const later = new Date(Date.now() + 5000);
  await utimes(at("holiday", "more", "red-right.png"), later, later); // touched
  await sharp(at("red-left.png")).resize(9, 9).png().toFile(at("holiday", "broken.png")); // mended
  const updated = await index();
  expect(updated).toMatchObject({
    ...{ pictures: 9, added: 1, changed: 1, kept: 3, removed: 1, unchanged: 4, skipped: 0 },
  });
  const files = await readdir(at("holiday", ".ocelli-search"));
  expect(files.filter((name) => name.startsWith("shard-"))).toHaveLength(1);
  const hits = hitsOf(await search("red on the left", "--index", at("holiday"), "--json"));
  const names = hits.map(({ image }) => image.slice(at("holiday").length + 1));
  expect(names[0]).toBe("new.png");
  expect(names).toContain("broken.png");
  expect(names).toContain(join("more", "moved.png"));
  expect(names).not.toContain("white-left.png");
  expect(new Set(names).size).toBe(9);
  const same = await index("--out", at("fresh"));
  expect(same.pictures).toBe(9);
  expect(hitsOf(await search("red on the left", "--index", at("fresh"), "--json"))).toEqual(hits);
  await rm(at("holiday", "new.png"));
  const gone = hitsOf(await search("red on the left", "--index", at("fresh"), "--json"));
  expect(gone.find(({ image }) => image.endsWith("new.png"))).toMatchObject({ missing: true });
});

test(
  "a kill in the middle loses no more than the last pictures",
  { timeout: 120_000 },
  async () => {
    const folder = at("many");
    await mkdir(folder);
    const count = 3000;
    const colours = Object.values(COLOURS);
    for (let i = 0; i < count; i++) {
      const create = {
        width: 8 + (i % 7),
        height: 8,
        channels: 3,
        background: colours[i % 4],
      } as const;
      await sharp({ create })
        .png()
        .toFile(join(folder, `${i}.png`));
    }
    const args = ["search", "index", folder, "--model", run(), "--engine", "ort"];
    const killed = startCli(args);
    const first = join(folder, ".ocelli-search", "shard-000001.safetensors");
    const ended = killed.ended.then(() => "ended");
    while (!existsSync(first) && (await Promise.race([ended, sleep(2)])) !== "ended");
    killed.kill("SIGKILL");
    expect(await killed.ended, killed.text()).toBe(null);
    const early = await search("red", "--index", folder, "--top", "1");
    expect(early.stdout).toMatch(
      /is not finished: \d+ pictures so far; ocelli search index resumes it/,
    );
    const { added, unchanged, pictures } = await indexFolder(folder, { engine: "ort" });
    expect([pictures, added + unchanged]).toEqual([count, count]);
    expect(unchanged).toBeGreaterThanOrEqual(1024);
    const files = await readdir(join(folder, ".ocelli-search"));
    expect(files.sort()).toEqual(["index.json", expect.stringMatching(/^shard-/)]);
    const whole = await indexFolder(folder, { engine: "ort", model: run(), out: at("whole") });
    expect(whole.pictures).toBe(count);
    const scores = async (place: string): Promise<number[]> => {
      const searcher = await openSearch(place, { engine: "ort" });
      const hits = await searcher.search({ text: "blue on the left" }, 50);
      await searcher.dispose();
      return hits.map(({ score }) => score);
    };
    expect(await scores(folder)).toEqual(await scores(at("whole")));
  },
);

test("a server answers with labels, and with pictures of its index", async () => {
  const place = at("served");
  await indexFolder(at("holiday", "more"), { engine: "interpreter", model: run(), out: place });
  const options = { engine: "interpreter", port: 0 } as const;
  const server = await serveModel(run(), { ...options, index: place });
  const post = async (path: string, body: BodyInit = ""): Promise<[number, unknown]> => {
    const response = await fetch(new URL(path, server.url), { method: "POST", body });
    return [response.status, await response.json()];
  };
  try {
    const picture = new Uint8Array(await readFile(at("blue-right.png")));
    const labels = "red,blue,green";
    const template = "{} on the right";
    const query = new URLSearchParams({ labels, template, top: "2" }).toString();
    const told = await runCli([
      ...["classify", run(), at("blue-right.png"), "--labels", labels, "--template", template],
      ...["--engine", "interpreter", "--top-k", "2", "--json"],
    ]);
    const [expected] = lastJson<{ predictions: { ranked: Ranked[] }[] }>(told).predictions;
    for (let twice = 0; twice < 2; twice++) {
      const [status, answer] = await post(`classify?${query}`, picture);
      const { ranked } = answer as { ranked: Ranked[] };
      expect([status, ranked.map(({ name }) => name)]).toEqual([
        200,
        expected.ranked.map(({ name }) => name),
      ]);
      ranked.forEach(({ score }, k) => expect(score).toBeCloseTo(expected.ranked[k].score, 5));
    }
    const words = await post(`search?text=${encodeURIComponent("blue on the right")}&top=1`);
    expect(words).toEqual([200, { hits: [{ image: "blue-right.png", score: anyNumber }] }]);
    const [, like] = await post("search?top=1&text=blue", picture);
    expect(like).toEqual({ hits: [{ image: "blue-right.png", score: anyNumber }] });
    const refused: [string, BodyInit, number, string][] = [
      ["classify?labels=red,,blue", picture, 400, "label 2 of 3 is empty"],
      ["classify?labels=red,Red", picture, 400, 'the labels "red" and "Red" are the same'],
      ["classify", picture, 400, "there are no labels"],
      [
        `classify?labels=${Array.from({ length: 999 }, (_, i) => i).join()}${"&template=clip_best".repeat(2)}`,
        picture,
        400,
        "sentences, at most 10000 are taken",
      ],
      ["classify?labels=a,b&template=x", picture, 400, "must have one {}"],
      [`classify?labels=a,${"b".repeat(2000)}`, picture, 400, "2000 letters, more than 1000"],
      ["search", "", 400, "there is no picture"],
      ["search?text=%20", "", 400, "text is empty"],
      ["search?text=red", "no picture", 422, "no image of a known format"],
    ];
    for (const [path, body, code, message] of refused) {
      expect(await post(path, body)).toEqual([
        code,
        { error: expect.stringContaining(message) as string },
      ]);
    }
    const api = (await (await fetch(new URL("openapi.json", server.url))).json()) as {
      readonly paths: object;
    };
    expect(Object.keys(api.paths)).toEqual(expect.arrayContaining(["/classify", "/search"]));
  } finally {
    await server.close();
  }
  await expect(serveModel(run(), { ...options, index: at("cache") })).rejects.toThrow(
    "has no index",
  );
});

const anyNumber = expect.any(Number) as number;

test("an index is of one model, and what does not fit is one clear line", async () => {
  const config = await writePairs(dir);
  await train(
    { ...config, duration: { steps: 1 } },
    { engine: "interpreter", workdir: at("other") },
  );
  const refusals: [args: string[], message: string | RegExp][] = [
    [
      ["red", "--index", at("holiday"), "--model", at("other")],
      `was made with ${run()}; ${at("other")} cannot read it`,
    ],
    [
      ["index", at("holiday"), "--model", at("other")],
      `was made with ${run()}; ${at("other")} cannot read it`,
    ],
    [["index", at("fresh", "none")], "cannot read"],
    [["index", at("run", "checkpoints")], "has no images"],
    [["index"], "ocelli search index needs a folder"],
    [["a", "red"], 'words are one operand. Put them in quotes: ocelli search "a red"'],
    [[], "ocelli search needs words or --image"],
    [["  ", "--index", at("holiday")], "the words to search for are empty"],
    [["red", "--index", at("run")], "has no index"],
    [["red", "--out", at("x")], "--out is for search index"],
    [["red", "--batch-size", "2"], "--batch-size is for search index"],
    [["index", at("holiday"), "--top", "2"], "--top is for searching"],
    [["index", at("holiday"), "--open"], "--open is for searching"],
    [["--image", at("none.png"), "--index", at("holiday")], "none.png"],
    [
      ["index", at("many"), "--out", at("holiday", ".ocelli-search")],
      `is the index of ${at("holiday")}`,
    ],
  ];
  for (const [args, message] of refusals) {
    const { code, stderr } = await search(...args);
    expect([code, stderr.trim().split("\n").length], stderr).toEqual([2, 1]);
    expect(stderr).toContain(message);
  }
  const shard = (await readdir(at("fresh"))).find((name) => name.startsWith("shard-"))!;
  await writeFile(at("fresh", shard), (await readFile(at("fresh", shard))).subarray(0, 900));
  const damaged = await search("red", "--index", at("fresh"));
  expect([damaged.code, damaged.stderr.trim().split("\n").length]).toEqual([2, 1]);
});
