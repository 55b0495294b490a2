/** @file A local page server for browser tests: bundles an entry with esbuild, serves it cross-origin isolated. */

import { createReadStream, existsSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const TYPES: Record<string, string> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** A page whose script is the bundled entry. */
export interface Page extends Disposable {
  readonly url: string;
}

/** Where onnxruntime-web keeps its WebAssembly. */
const wasmFolder = dirname(fileURLToPath(import.meta.resolve("onnxruntime-web")));

/** What a page has beside its script. */
export interface PageParts {
  /** Folders that are served, by the beginning of their path, such as `/model/`. */
  readonly folders?: Readonly<Record<string, string>>;
  /** Files that stand in for packages and Node's built-ins. */
  readonly alias?: Readonly<Record<string, string>>;
}

/**
 * Bundles `entry` for a browser (any use of a Node built-in fails here) and serves it with the engine's files, and with
 * those of further folders.
 */
export async function servePage(
  entry: string,
  { folders: further = {}, alias = {} }: PageParts = {},
): Promise<Page> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2024",
    write: false,
    logLevel: "silent",
    alias,
    external: ["/ort/*", "onnxruntime-web/*"],
  });
  const script = outputFiles[0].contents;
  const folders: Readonly<Record<string, string>> = { "/ort/": wasmFolder, ...further };
  const server: Server = createServer((request, response) => {
    // isolation lets WebAssembly use threads
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const prefix = Object.keys(folders).find((start) => path.startsWith(start)) ?? "/ort/";
    const file = join(folders[prefix], path.slice(prefix.length));
    if (path === "/") {
      response.setHeader("Content-Type", "text/html");
      response.end(
        '<!doctype html><title>Ocelli</title><script type="module" src="/page.js"></script>',
      );
    } else if (path === "/page.js") {
      response.setHeader("Content-Type", TYPES[".js"]);
      response.end(script);
    } else if (path.startsWith(prefix) && !path.includes("..") && existsSync(file)) {
      response.setHeader("Content-Type", TYPES[path.slice(path.lastIndexOf("."))] ?? "text/plain");
      createReadStream(file).pipe(response);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
