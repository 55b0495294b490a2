import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openUrl } from "./http.ts";
import { put, serveFiles } from "../source-fixtures.ts";

type Mischief = NonNullable<Parameters<typeof serveFiles>[1]>;

let dir: string;
let server: Server;
let url: string;
let mischief: Mischief;
let requests = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-http-"));
  await put(join(dir, "digits"), "0123456789");
  await put(join(dir, "empty"), "");
  ({ server, url } = await serveFiles(dir, (request, response) => {
    requests++;
    return mischief(request, response);
  }));
});
beforeEach(() => {
  requests = 0;
  mischief = () => false;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(dir, { recursive: true });
});

const open = (name = "digits") =>
  openUrl(`${url}/${name}`, { pause: 0.001, attempts: 3, timeout: 2 });
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("ranges of a file of known size", async () => {
  const file = await open();
  expect(file.size).toBe(10);
  expect(textOf(await file.read(2, 5))).toBe("234");
  expect(textOf(await file.read(9, 10))).toBe("9");
  expect((await file.read(4, 4)).length).toBe(0);
  expect((await open("empty")).size).toBe(0);
});

test("a server that stumbles is asked again", async () => {
  mischief = (request, response) => {
    if (requests === 1) response.writeHead(503).end();
    else if (requests === 2) request.socket.destroy();
    return requests <= 2;
  };
  const file = await open();
  expect(requests).toBe(3);
  mischief = (_, response) => {
    if (requests > 4) return false;
    response.writeHead(206, { "content-length": 5, "content-range": "bytes 0-4/10", etag: '"1"' });
    response.write("01");
    setImmediate(() => response.destroy());
    return true;
  };
  expect(textOf(await file.read(0, 5))).toBe("01234");
  expect(requests).toBe(5);
});

test("one that keeps stumbling is given up by name", async () => {
  mischief = (_, response) => !!response.writeHead(500).end();
  await expect(open()).rejects.toThrow(
    `cannot read ${url}/digits: the server answers 500 (tried 3 times).`,
  );
  expect(requests).toBe(3);
  server.closeAllConnections();
  await expect(openUrl("http://127.0.0.1:1/x", { pause: 0.001, attempts: 2 })).rejects.toThrow(
    "cannot read http://127.0.0.1:1/x",
  );
});

test("missing files and servers without ranges are final", async () => {
  await expect(open("gone")).rejects.toThrow(`cannot read ${url}/gone: there is no such file.`);
  expect(requests).toBe(1);
  mischief = (_, response) => !!response.writeHead(200).end("0123456789");
  await expect(open()).rejects.toThrow(
    "the server does not answer range requests. Download the file",
  );
  mischief = (_, response) => !!response.writeHead(206).end("0");
  await expect(open()).rejects.toThrow("does not say how large the file is");
});

test("a file that changes, and answers that are too long, are refused", async () => {
  const file = await open();
  mischief = (_, response) => !!response.writeHead(206, { etag: '"1"' }).end("0123456");
  await expect(file.read(0, 3)).rejects.toThrow("sends more than the 3 bytes asked for");
  mischief = (_, response) => !!response.writeHead(206, { etag: '"2"' }).end("012");
  await expect(file.read(0, 3)).rejects.toThrow("has changed since it was opened");
});
