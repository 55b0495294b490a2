/** @file Builds the page and serves it on this machine: `node examples/train-in-tab/serve.ts [PORT]`. */

import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { bundlePage } from "../bundle.ts";
import { serveFolder } from "../serve-folder.ts";

/** Builds into a folder that any web server can serve. */
export const buildTrainInTab = (folder: string): Promise<void> =>
  bundlePage(fileURLToPath(new URL(".", import.meta.url)), folder);

if (import.meta.main) {
  const built = fileURLToPath(new URL("../../.cache/train-in-tab", import.meta.url));
  await buildTrainInTab(built);
  const server = await serveFolder(built, Number(process.argv[2] ?? 8000));
  console.log(`http://localhost:${(server.address() as AddressInfo).port}/  (Ctrl-C ends it)`);
}
