import { expect, test } from "vitest";
import { splitByHash } from "../data/splits/hashed.ts";
import { type Source, sliceSource } from "../data/source.ts";
import { recordSplits, splitChanges } from "./split-record.ts";

/** A source of so many examples that nobody reads. */
const sourceOf = (length: number, name = "img"): Source => ({
  length,
  fields: { image: "image" },
  names: {},
  id: (index) => `${name}/${index}`,
  read: () => Promise.reject(new Error("not read")),
});

const dataset = { name: "given", splits: ["train"], open: () => Promise.resolve(sourceOf(9)) };
const record = (source: Source, of: Parameters<typeof recordSplits>[0]["dataset"] = dataset) =>
  recordSplits({ dataset: of, source, sources: new Map([["train", source]]) });

test("splits of the data's own are recorded by count and hash", async () => {
  expect(await record(sourceOf(2))).toEqual({
    rule: "given",
    slices: "by hash",
    splits: {
      // printf 'img/0\nimg/1\n' | sha256sum
      train: {
        count: 2,
        sha256: "a876ed73d657b078f01eca3dbc8bac11e830e11a0eabde0b7f1e8551b1f40847",
      },
    },
  });
});

test("splits made by hashing are listed, all of them, unless they are too many", async () => {
  const hashed = splitByHash({ name: "hashed", source: sourceOf(50) });
  const { rule, shares, splits } = await record(await hashed.open("train"), hashed);
  expect({ rule, shares }).toEqual({
    rule: "rank of hash in class",
    shares: { train: 80, validation: 10, test: 10 },
  });
  expect(Object.values(splits).flatMap(({ ids }) => ids)).toHaveLength(50);
  const large = {
    ...dataset,
    shares: { train: 1 },
    open: () => Promise.resolve(sourceOf(100_001)),
  };
  const counted = await record(await large.open(), large);
  expect(counted.splits.train).toMatchObject({ count: 100_001 });
  expect(counted.splits.train.ids).toBeUndefined();
});

test("changes are told as well as they are known", async () => {
  const before = await record(sourceOf(4));
  const changed = async (source: Source) => [
    ...splitChanges(before, await record(source)).values(),
  ];
  expect(await changed(sourceOf(4))).toEqual([]);
  expect(await changed(sourceOf(5))).toEqual(["4 images before, 5 now"]);
  expect(await changed(sourceOf(4, "jpg"))).toEqual([
    "4 images before, 4 now, but others or in another order",
  ]);
  const hashed = splitByHash({ name: "hashed", source: sourceOf(50) });
  const listed = await record(await hashed.open("train"), hashed);
  const train = await hashed.open("train");
  const less = await record(sliceSource(train, 1, train.length), hashed);
  expect(splitChanges(listed, less).get("train")).toBe(
    `${train.length} images before, ${train.length - 1} now: 1 gone, such as ${train.id(0)}`,
  );
  expect(splitChanges(less, listed).get("train")).toContain(`1 new, such as ${train.id(0)}`);
  const reversed: Source = { ...train, id: (index) => train.id(train.length - 1 - index) };
  expect(splitChanges(listed, await record(reversed, hashed)).get("train")).toContain(
    "in another order",
  );
});
