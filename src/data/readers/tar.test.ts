import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memoryFile, put, tarFile, tarMember } from "../source-fixtures.ts";
import { openSplit } from "../splits/splits.ts";
import { openTar, tarMembers } from "./tar.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-tar-"))));
afterAll(() => rm(dir, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const member = (name: string, text = name) => tarMember(name, bytes(text));

async function namesOf(file: Uint8Array): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, begin, size } of tarMembers(memoryFile(file, "a.tar"))) {
    names.push(`${name} ${new TextDecoder().decode(file.subarray(begin, begin + size))}`);
  }
  return names;
}

let count = 0;
async function openAll(members: readonly Uint8Array[], options = {}) {
  const files = join(dir, `${count++}.tar`);
  await put(files, tarFile(members));
  const source = await openSplit(await openTar({ files, ...options }), "all");
  const ids = Array.from({ length: source.length }, (_, i) => source.id(i));
  const labels = await Promise.all(
    ids.map(async (_, i) => [...(await source.read(i)).label.data].map(Number)),
  );
  return { source, ids, labels };
}

test("long names in GNU's and in pax's form, hidden members, folders and links", async () => {
  const name = `${"folder/".repeat(20)}蝶.png`;
  const file = tarFile([
    tarMember("d/", bytes(""), { type: "5" }),
    tarMember(name, bytes("1"), { long: "gnu" }),
    tarMember(name, bytes("22"), { long: "pax" }),
    tarMember("link.png", bytes(""), { type: "2" }),
    member("./d/._a.png"),
    member("./d/a.png", "3"),
  ]);
  expect(await namesOf(file)).toEqual([`${name} 1`, `${name} 22`, "d/a.png 3"]);
});

test("an archive that ends early is an error; the zero blocks at its end may be missing", async () => {
  const file = tarFile([member("a.png"), member("b.png")]);
  expect(await namesOf(file.subarray(0, 2048))).toEqual(["a.png a.png", "b.png b.png"]);
  await expect(namesOf(file.subarray(0, 1539))).rejects.toThrow("a.tar is truncated");
  await expect(namesOf(file.subarray(0, 1300))).rejects.toThrow("a.tar is truncated");
  await expect(namesOf(bytes("no tar file".repeat(99)))).rejects.toThrow("this is no tar file");
});

test("labels beside images: numbers, names, fields, texts", async () => {
  const numbers = await openAll(
    ["0.png", "0.cls", "1.png", "1.cls"].map((name) => member(name, name[0])),
  );
  expect([numbers.ids, numbers.labels, numbers.source.names.label]).toEqual([
    ["0.png", "1.png"],
    [[0], [1]],
    ["0", "1"],
  ]);
  const json = (label: unknown) => JSON.stringify({ label, species: "x" });
  const fields = [
    member("a.png"),
    member("a.json", json("wren")),
    member("b.jpg"),
    member("b.json", json("cat")),
  ];
  expect((await openAll(fields)).source.names.label).toEqual(["cat", "wren"]);
  await expect(openAll(fields, { labelKey: "species" })).rejects.toThrow("only one class: x");
  const texts = ["x/a.png", "x/a.txt", "x/b.png", "x/b.txt"].map((name) =>
    member(name, ` ${name.at(2)}\n`),
  );
  expect((await openAll(texts)).source.names.label).toEqual(["a", "b"]);
  const lists = [
    member("a.png"),
    member("a.json", json(["wren", "cat"])),
    member("b.png"),
    member("b.json", json([])),
  ];
  expect((await openAll(lists)).labels).toEqual([
    [1, 1],
    [0, 0],
  ]);
});

test("folders may be preferred, and file names may have dots", async () => {
  const members = ["cat/cat.0.jpg", "cat/cat.1.jpg", "dog/dog.0.jpg", "cat/cat.txt"].map((name) =>
    member(name),
  );
  const { ids, labels } = await openAll(members, { label: "folder" });
  expect(ids).toEqual(["cat/cat.0.jpg", "cat/cat.1.jpg", "dog/dog.0.jpg"]);
  expect(labels).toEqual([[0], [0], [1]]);
  await expect(openAll(members)).rejects.toThrow("dog/dog.0.jpg has no label beside it (.txt)");
  await expect(openAll([member("a.png")])).rejects.toThrow("a.png is in no class folder");
  await expect(openAll([member("a.txt")])).rejects.toThrow("has no images");
  const broken = [member("a.png"), member("a.json", "{")];
  await expect(openAll(broken)).rejects.toThrow("a.json: JSON is truncated or damaged");
});

test("the same path in two shards takes the shard's name", async () => {
  const files = ["x", "y"].map((name) => join(dir, `${name}.tar`));
  await put(files[0], tarFile([member("a/1.png"), member("b/1.png")]));
  await put(files[1], tarFile([member("a/1.png"), member("a/2.png")]));
  const source = await openSplit(await openTar({ files }), "all");
  const ids = Array.from({ length: source.length }, (_, i) => source.id(i));
  expect(ids).toEqual(["x.tar/a/1.png", "b/1.png", "y.tar/a/1.png", "a/2.png"]);
});
