/** @file What the tests of the sources share: a few pictures in every format, damage, and a server of files. */

import { createReadStream } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import sharp from "sharp";
import { concatBytes } from "../formats/bytes.ts";
import { writeExample } from "../formats/tf-example.ts";
import { encodeRecord } from "../formats/tfrecord.ts";
import type { ByteFile } from "./files/random-access.ts";
import type { DataConfig } from "./config.ts";

/** A picture of a test: a PNG of one pixel. */
export interface Picture {
  readonly path: string;
  readonly label: string;
  readonly number: number;
  readonly bytes: Uint8Array;
}

const CLASSES = ["cat", "dog", "wren"];

/** `count` pictures of three classes in turn, each a different colour. */
export function pictures(count = 12): Promise<Picture[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const number = i % CLASSES.length;
      const pixel = Uint8Array.of(i, 2 * i, 255 - i);
      const raw = { width: 1, height: 1, channels: 3 } as const;
      const bytes = new Uint8Array(await sharp(pixel, { raw }).png().toBuffer());
      return { path: `${CLASSES[number]}/${i}.png`, label: CLASSES[number], number, bytes };
    }),
  );
}

/** A member of a tar file: ustar, its name in GNU's or pax's long form where asked for. */
export function tarMember(
  name: string,
  content: Uint8Array,
  { type = "0", long }: { readonly type?: string; readonly long?: "gnu" | "pax" } = {},
): Uint8Array {
  const encoded = new TextEncoder().encode(name);
  const before: Uint8Array[] = [];
  if (long === "gnu") {
    before.push(
      tarMember("././@LongLink", concatBytes([encoded, Uint8Array.of(0)]), { type: "L" }),
    );
  }
  if (long === "pax") {
    const body = ` path=${name}\n`;
    const size = new TextEncoder().encode(body).length;
    const digits = String(size + String(size + 2).length).length;
    const record = new TextEncoder().encode(`${size + digits}${body}`);
    before.push(tarMember("PaxHeaders/0", record, { type: "x" }));
  }
  const block = new Uint8Array(512 + Math.ceil(content.length / 512) * 512);
  block.set(encoded.subarray(0, 100));
  const put = (text: string, at: number) => block.set(new TextEncoder().encode(text), at);
  put("0000644\0", 100);
  put(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  put("        ", 148);
  put(type, 156);
  put("ustar\x0000", 257);
  const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  block.set(content, 512);
  return concatBytes([...before, block]);
}

/** A tar file of members. */
export const tarFile = (members: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  concatBytes([...members, new Uint8Array(1024)]);

/** The columns of the hub's parquet files: an image of bytes and a path, and a label. */
export const HUB_SCHEMA: NonNullable<Parameters<typeof parquetWriteBuffer>[0]["schema"]> = [
  { name: "root", num_children: 2 },
  { name: "image", num_children: 2, repetition_type: "OPTIONAL" },
  { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
  { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
  { name: "label", type: "INT64", repetition_type: "OPTIONAL" },
];

/** Pictures as one parquet file in groups of four rows, described as the Hugging Face hub does. */
export function parquetFile(some: readonly Picture[]): Uint8Array {
  const features = { image: { _type: "Image" }, label: { _type: "ClassLabel", names: CLASSES } };
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: "image", data: some.map(({ bytes, path }) => ({ bytes, path })) },
      { name: "label", data: some.map(({ number }) => BigInt(number)) },
    ],
    schema: HUB_SCHEMA,
    rowGroupSize: 4,
    kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features } }) }],
  });
  return new Uint8Array(buffer);
}

/** Pictures as a TFRecord file. */
export const tfrecordFile = (some: readonly Picture[]): Uint8Array =>
  concatBytes(
    some.map(({ bytes, number }) =>
      encodeRecord(writeExample({ "image/encoded": [bytes], "image/class/label": [number] })),
    ),
  );

/** Writes a file of a test; folders are made. */
export async function put(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

/** Writes pictures in every format, and gives the configurations that open them. */
export async function writeSources(
  dir: string,
  some: readonly Picture[],
): Promise<Record<string, DataConfig>> {
  const at = (...parts: string[]) => join(dir, ...parts);
  const text = (value: unknown) => new TextEncoder().encode(String(value));
  const half = some.length / 2;
  const halves = [some.slice(0, half), some.slice(half)];
  for (const { path, bytes } of some) await put(at("folder", path), bytes);
  for (const [i, part] of halves.entries()) {
    const shard = part.flatMap(({ path, bytes, number }) => {
      const key = path.replace(/.*\//, "").replace(".png", "");
      return [tarMember(`${key}.png`, bytes), tarMember(`${key}.cls`, text(number))];
    });
    await put(at("shards", `part-00${i}.tar`), tarFile(shard));
    await put(at("records", `part.tfrecord-0000${i}-of-00002`), tfrecordFile(part));
    await put(at("parquet", `part-${i}.parquet`), parquetFile(part));
  }
  const members = some.map(({ path, bytes }) => tarMember(`./${path}`, bytes));
  await put(at("classes.tar"), tarFile(members));
  const lines = some.map(({ path, label }) =>
    JSON.stringify({ file_name: `folder/${path}`, label }),
  );
  await put(at("list.jsonl"), `${lines.join("\n")}\n`);
  const rows = some.map(({ path, label }) => `"folder/${path}",${label}`);
  await put(at("list.csv"), ["image,label", ...rows].join("\r\n"));
  const classes = CLASSES;
  return {
    folder: { name: "folder", dir: at("folder") },
    "tar of class folders": { name: "tar", files: at("classes.tar") },
    "tar shards": { name: "tar", files: at("shards", "part-{000..001}.tar"), classes },
    tfrecord: { name: "tfrecord", files: at("records"), classes },
    parquet: { name: "parquet", files: at("parquet", "*.parquet") },
    jsonl: { name: "jsonl", files: at("list.jsonl") },
    csv: { name: "csv", files: at("list.csv") },
  };
}

/** Bytes as a file that is read piece by piece. */
export const memoryFile = (bytes: Uint8Array, name = "memory"): ByteFile => ({
  name,
  size: bytes.length,
  piece: 64,
  read: (begin, end) => Promise.resolve(bytes.slice(begin, end)),
});

/** How a server of files may misbehave: called before each answer, true where it answered itself. */
type Mischief = (
  request: Parameters<Parameters<typeof createServer>[1] & object>[0],
  response: Parameters<Parameters<typeof createServer>[1] & object>[1],
) => boolean;

/** Serves a folder's files with ranges on a free port. */
export async function serveFiles(
  dir: string,
  mischief: Mischief = () => false,
): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    if (mischief(request, response)) return;
    const path = join(dir, decodeURIComponent(new URL(request.url!, "http://x").pathname));
    stat(path).then(
      ({ size }) => {
        const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "")!;
        const [start, end] = [Number(from), Math.min(Number(to), size - 1)];
        if (start >= size) {
          response.writeHead(416, { "content-range": `bytes */${size}` }).end();
          return;
        }
        response.writeHead(206, { "content-range": `bytes ${start}-${end}/${size}`, etag: '"1"' });
        createReadStream(path, { start, end }).pipe(response);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
