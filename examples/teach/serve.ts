/** @file Builds the page and serves it on this machine: `node examples/teach/serve.ts [PORT]`. */

import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { serveFolder } from "../serve-folder.ts";
import { buildTeach } from "./build.ts";

if (import.meta.main) {
  const built = fileURLToPath(new URL("../../.cache/teach", import.meta.url));
  await buildTeach(built, { report: console.log });
  const server = await serveFolder(built, Number(process.argv[2] ?? 8000));
  console.log(`http://localhost:${(server.address() as AddressInfo).port}/  (Ctrl-C ends it)`);
}
