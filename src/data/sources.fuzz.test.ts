import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OcelliError } from "../errors.ts";
import { damaged } from "../formats/test-helpers.ts";
import type { DataConfig } from "./config.ts";
import { openDataset } from "./datasets.ts";
import { parquetFile, pictures, tarFile, tarMember, tfrecordFile } from "./source-fixtures.ts";
import { openSplit } from "./splits/splits.ts";

/** Inputs of each format; `npm run test:long` takes more. */
const RUNS = process.env.OCELLI_LONG ? 100_000 : 250;

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-fuzz-"))));
afterAll(() => rm(dir, { recursive: true }));

const text = (value: string) => new TextEncoder().encode(value);

async function original(name: string): Promise<Uint8Array> {
  const some = await pictures(6);
  if (name === "parquet") return parquetFile(some);
  if (name === "tfrecord") return tfrecordFile(some);
  if (name === "tar") {
    const long = [undefined, "gnu", "pax"] as const;
    return tarFile(some.map(({ path, bytes }, i) => tarMember(path, bytes, { long: long[i % 3] })));
  }
  if (name === "csv")
    return text(
      `image,label\r\n${some.map(({ path, label }) => `"${path}",${label}`).join("\r\n")}`,
    );
  return text(some.map(({ path, label }) => JSON.stringify({ image: path, label })).join("\n"));
}

/** Opens a data set and reads all of it; which error of ours came, if any. */
async function use(config: DataConfig): Promise<string> {
  try {
    const source = await openSplit(await openDataset(config), "all");
    for (let i = 0; i < source.length; i++) await source.read(i);
    return "read";
  } catch (error) {
    if (error instanceof OcelliError) return error.code;
    throw error;
  }
}

test.each(["tar", "tfrecord", "parquet", "jsonl", "csv"] as const)(
  "damaged %s files are read or refused, quickly and in little memory",
  async (name) => {
    const bytes = await original(name);
    const files = join(dir, `damaged.${name}`);
    const outcomes = new Set<string>();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    await fc.assert(
      fc.asyncProperty(damaged(bytes), async (input) => {
        await writeFile(files, input);
        const begun = performance.now();
        outcomes.add(await use({ name, files }));
        expect(performance.now() - begun).toBeLessThan(5000);
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }),
      { numRuns: RUNS },
    );
    expect(outcomes.size).toBeGreaterThan(1);
    expect(most).toBeLessThan(2 ** 26);
  },
  process.env.OCELLI_LONG ? 3_600_000 : 60_000,
);

test("truncated parquet files are refused", async () => {
  const bytes = await original("parquet");
  const files = join(dir, "truncated.parquet");
  for (let end = 0; end < bytes.length; end += 13) {
    await writeFile(files, bytes.subarray(0, end));
    expect(["format", "data"]).toContain(await use({ name: "parquet", files }));
  }
});
