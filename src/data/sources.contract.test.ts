import type { Server } from "node:http";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OcelliError } from "../errors.ts";
import { type DataConfig, dataChoice } from "./config.ts";
import { openDataset } from "./datasets.ts";
import { detectData } from "./readers/detect.ts";
import type { Source } from "./source.ts";
import { type Picture, pictures, serveFiles, writeSources } from "./source-fixtures.ts";
import { openSplit } from "./splits/splits.ts";

const NAMES = [
  "folder",
  "tar of class folders",
  "tar shards",
  "tfrecord",
  "parquet",
  "jsonl",
  "csv",
  "tar shards over http",
  "parquet over http",
  "jsonl over http",
];

let dir: string;
let server: Server;
let some: Picture[];
let configs: Record<string, DataConfig>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-sources-"));
  some = await pictures();
  const local = await writeSources(dir, some);
  const served = await serveFiles(dir);
  server = served.server;
  const { url } = served;
  const parquet = ["part-0.parquet", "part-1.parquet"].map((name) => `${url}/parquet/${name}`);
  const classes = ["cat", "dog", "wren"];
  configs = {
    ...local,
    "tar shards over http": { name: "tar", files: `${url}/shards/part-{000..001}.tar`, classes },
    "parquet over http": { name: "parquet", files: parquet },
    "jsonl over http": { name: "jsonl", files: `${url}/list.jsonl` },
  };
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(dir, { recursive: true });
});

const idsOf = (source: Source) => Array.from({ length: source.length }, (_, i) => source.id(i));

async function contentOf(source: Source): Promise<string[]> {
  const examples = idsOf(source).map(async (_, i) => {
    const { image, label } = await source.read(i);
    expect([image.dtype, image.shape]).toEqual(["uint8", [image.data.length]]);
    expect([label.dtype, label.shape, label.data.length]).toEqual(["int32", [], 1]);
    const bytes = Buffer.from(image.data as Uint8Array).toString("hex");
    return `${source.names.label[Number(label.data[0])]} ${bytes}`;
  });
  return (await Promise.all(examples)).sort();
}

describe.each(NAMES)("%s", (name) => {
  test("gives the same classes, labels and bytes under distinct ids that stay", async () => {
    const config = dataChoice().parse(configs[name]);
    const source = await openSplit(await openDataset(config), "all");
    expect(source.names.label).toEqual(["cat", "dog", "wren"]);
    const expected = some.map(
      ({ label, bytes }) => `${label} ${Buffer.from(bytes).toString("hex")}`,
    );
    expect(await contentOf(source)).toEqual(expected.sort());
    const ids = idsOf(source);
    expect(new Set(ids).size).toBe(some.length);
    expect(ids.filter((id) => id.includes(dir))).toEqual([]);
    expect(idsOf(await openSplit(await openDataset(config), "all"))).toEqual(ids);
  });

  test("divides into splits of its own making", async () => {
    const dataset = await openDataset(configs[name]);
    const [all, ...parts] = await Promise.all(
      ["all", "train", "validation", "test"].map(async (split) => idsOf(await dataset.open(split))),
    );
    expect(parts.flat().sort()).toEqual(all.sort());
  });
});

test.each(["tar of class folders", "tar shards", "tfrecord", "parquet", "tar shards over http"])(
  "%s: splits may be given by name, and are part of the ids",
  async (name) => {
    const config = configs[name] as { name: "tar"; files: string };
    const dataset = await openDataset({
      ...config,
      files: { train: config.files, test: config.files },
    });
    expect(dataset.splits).toEqual(["train", "test"]);
    const [train, test] = [await dataset.open("train"), await dataset.open("test")];
    expect(train.id(0)).toMatch(/^train\//);
    expect(test.id(0)).toMatch(/^test\//);
    expect(await contentOf(test)).toEqual(await contentOf(train));
  },
);

test("ids do not depend on the order of shards", async () => {
  const shards = ["1", "0"].map((i) => join(dir, "shards", `part-00${i}.tar`));
  const open = async (files: string[]) =>
    idsOf(await openSplit(await openDataset({ name: "tar", files }), "all"));
  expect((await open(shards)).sort()).toEqual((await open(shards.reverse())).sort());
});

test.each(["folder", "tar of class folders", "tar shards", "tfrecord", "parquet", "jsonl", "csv"])(
  "%s: a file lost in use is named",
  async (name) => {
    const source = await openSplit(await openDataset(configs[name]), "all");
    await rename(dir, `${dir}-away`);
    try {
      const failure = await Promise.resolve(source.read(3)).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(OcelliError);
      const { code, message } = failure as OcelliError;
      expect(code).toBe("data");
      expect(message).toContain("there is no such file or folder");
      const id = source.id(3).replace(/\/\d+$/, "");
      expect(message).toContain(name.startsWith("tar") ? ".tar" : basename(id));
    } finally {
      await rename(`${dir}-away`, dir);
    }
  },
);

test.each([
  ["folder", "folder"],
  ["classes.tar", "tar"],
  ["shards", "tar"],
  ["shards/part-{000..001}.tar", "tar"],
  ["records", "tfrecord"],
  ["parquet/*.parquet", "parquet"],
  ["list.jsonl", "jsonl"],
  ["list.csv", "csv"],
])("%s is detected as %s", async (path, name) => {
  const config = await detectData(join(dir, path));
  expect(config.name).toBe(name);
  expect((await openSplit(await openDataset(config), "all")).length).toBe(some.length);
});
