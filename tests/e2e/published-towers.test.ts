/** @file CLIP of a hub on this machine: it classifies by words, searches and embeds texts; what is missing is one line. */

import { mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type HubStandIn, startHub } from "./hub-stand-in.ts";
import { lastJson, runCli } from "./run-cli.ts";

let dir: string;
let hub: HubStandIn;

/** The words "w0" to "w49", whose ids are their numbers: what the small recorded text tower knows. */
const WORDS = {
  pre_tokenizer: { type: "Whitespace" },
  model: {
    ...{ type: "WordLevel", unk_token: "w2" },
    vocab: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`w${i}`, i])),
  },
};
const TOKENIZER = { model_max_length: 77, bos_token: "w48", eos_token: "w49" };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-towers-"));
  hub = await startHub();
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HOME", join(dir, "no-home"));
  vi.stubEnv("OCELLI_CACHE", join(dir, "cache"));
  const recorded = fileURLToPath(new URL("../golden/hf_clip/model/model", import.meta.url));
  const files = await Promise.all(
    (await readdir(recorded)).map(
      async (name) => [name, new Uint8Array(await readFile(join(recorded, name)))] as const,
    ),
  );
  const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  const put = (name: string, more: Record<string, Uint8Array>): void => {
    const all = new Map([...files, ...Object.entries(more)]);
    hub.repositories.set(name, { visibility: "public", files: all });
  };
  put("ada/clip", {
    "tokenizer.json": json(WORDS),
    "tokenizer_config.json": json({ ...TOKENIZER, tokenizer_class: "CLIPTokenizer" }),
  });
  put("ada/other", { "tokenizer_config.json": json({ tokenizer_class: "T5Tokenizer" }) });
  await mkdir(join(dir, "pictures"));
  for (const [k, name] of ["cat", "dog"].entries()) {
    const pixels = Uint8Array.from({ length: 40 * 40 * 3 }, (_, i) => (i * (3 + 4 * k)) % 251);
    const picture = sharp(pixels, { raw: { width: 40, height: 40, channels: 3 } }).png();
    await picture.toFile(join(dir, "pictures", `${name}.png`));
  }
});
afterAll(async () => {
  vi.unstubAllEnvs();
  hub[Symbol.dispose]();
  await rm(dir, { recursive: true });
});

const picture = () => join(dir, "pictures", "cat.png");

test("it classifies, searches and embeds, and is fetched once", async () => {
  const classify = () =>
    runCli(["classify", "hf:ada/clip", "--labels", "w3,w40 w7", picture(), "--json"]);
  const first = await classify();
  expect(first.stderr).toContain("fetching hf:ada/clip@main/tokenizer.json");
  const [{ ranked }] = lastJson<{
    readonly predictions: readonly {
      readonly ranked: readonly { name: string; score: number }[];
    }[];
  }>(first).predictions;
  expect(ranked.map(({ name }) => name).sort()).toEqual(["w3", "w40 w7"]);
  expect(ranked[0].score + ranked[1].score).toBeCloseTo(1, 6); // CLIP's are a softmax
  const again = await classify();
  expect(again.stderr).not.toContain("fetching");
  expect(lastJson(again)).toMatchObject({ predictions: [{ ranked }] });

  const indexed = await runCli([
    "search",
    "index",
    join(dir, "pictures"),
    "--model",
    "hf:ada/clip",
  ]);
  expect(indexed).toMatchObject({ code: 0 });
  const found = await runCli(["search", "w3", "--index", join(dir, "pictures"), "--json"]);
  const { hits } = lastJson<{ readonly hits: readonly { readonly image: string }[] }>(found);
  expect(hits.map(({ image }) => image).sort()).toEqual(
    ["cat.png", "dog.png"].map((name) => join(dir, "pictures", name)),
  );

  const out = join(dir, "words.parquet");
  const embedded = await runCli(["embed", "hf:ada/clip", "--text", "w3", "--out", out, "--json"]);
  expect(lastJson(embedded)).toMatchObject({ count: 1, features: 20 });
}, 60_000);

test("an unknown tokenizer is one line", async () => {
  const { code, stderr } = await runCli([
    "classify",
    "hf:ada/other",
    "--labels",
    "w3,w4",
    picture(),
  ]);
  expect(code).not.toBe(0);
  const lines = stderr
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("fetching"));
  expect(lines).toEqual([
    "ocelli: hf:ada/other has no tokenizer that is known here: tokenizer_config.json says T5Tokenizer.",
  ]);
});
