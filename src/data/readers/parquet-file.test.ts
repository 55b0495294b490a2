import { parquetWriteBuffer } from "hyparquet-writer";
import { expect, test } from "vitest";
import { PARQUET_FIXTURES, parquetFixture, parquetRows } from "../../formats/parquet/fixtures.ts";
import { openParquetFile } from "./parquet-file.ts";
import { memoryFile } from "../source-fixtures.ts";

/** Every column of a file that a limit leaves whole, by its path. */
async function readAll(bytes: Uint8Array): Promise<Record<string, unknown[]>> {
  const { metadata, read } = await openParquetFile(memoryFile(bytes));
  const found: Record<string, unknown[]> = {};
  for (const { rows, chunks } of metadata.groups) {
    for (const chunk of chunks) {
      const values = await read(chunk, rows);
      (found[chunk.column.path.join(".")] ??= []).push(...values);
    }
  }
  return found;
}

const plain = (rows: Readonly<Record<string, readonly unknown[]>>) =>
  Object.fromEntries(
    Object.entries(rows).map(([name, values]) => [
      name,
      values.map((value) => (value instanceof Uint8Array ? [...value] : value)),
    ]),
  );

test.each(PARQUET_FIXTURES)("pyarrow's file with %s gives the rows", async (name) => {
  expect(plain(await readAll(parquetFixture(name)))).toEqual(plain(parquetRows()));
});

test("a file whose bytes all change one after the other is read or refused with its name", async () => {
  const bytes = parquetFixture("pages");
  let refused = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const copy = bytes.slice();
    copy[at] ^= 0x55;
    try {
      await readAll(copy);
    } catch (error) {
      expect(error).toMatchObject({ name: "OcelliError" });
      expect((error as Error).message).toContain("memory");
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(500);
});

const written = (type: "BOOLEAN" | "INT32", data: unknown[]) =>
  new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "x", data, type }] }));

test.each([
  ["no parquet", new TextEncoder().encode("not a parquet file"), "memory is no parquet file"],
  ["too short", Uint8Array.of(80), "memory is no parquet file"],
  ["encrypted", new TextEncoder().encode("xxxxxxxxPARE"), "memory is encrypted"],
  ["a type of no use", written("BOOLEAN", [true]), "column x: its type is neither an image's nor"],
  ["a description too long", tail(1 << 20), "its description of 1048576 bytes is larger than"],
  ["a description cut", written("INT32", [1]).slice(4), "damaged|beyond|truncated"],
])("%s gives one clear error", async (_, bytes, message) => {
  await expect(readAll(bytes)).rejects.toThrow(new RegExp(message));
});

function tail(size: number): Uint8Array {
  const bytes = new TextEncoder().encode("xxxxxxxxPAR1");
  new DataView(bytes.buffer).setUint32(4, size, true);
  return bytes;
}
