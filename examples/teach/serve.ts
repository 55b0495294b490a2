/** @file Builds the page and serves it on this machine: `node examples/teach/serve.ts [PORT]`. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { buildTeach } from "./build.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** Serves a folder on 127.0.0.1; port 0 takes a free one. */
export async function serveFolder(folder: string, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    // isolation lets WebAssembly use threads
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const inside = normalize(decodeURIComponent(pathname)); // absolute, so it cannot leave the folder
    const file = join(folder, inside.endsWith("/") ? `${inside}index.html` : inside);
    stat(file).then(
      ({ size }) => {
        const type = TYPES[extname(file)] ?? "application/octet-stream";
        response.writeHead(200, { "Content-Type": type, "Content-Length": size });
        createReadStream(file).pipe(response);
      },
      () => response.writeHead(404).end("there is no such file\n"),
    );
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

if (import.meta.main) {
  const built = fileURLToPath(new URL("../../.cache/teach", import.meta.url));
  await buildTeach(built, { report: console.log });
  const server = await serveFolder(built, Number(process.argv[2] ?? 8000));
  console.log(`http://localhost:${(server.address() as AddressInfo).port}/  (Ctrl-C ends it)`);
}
