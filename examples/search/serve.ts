/**
 * @file Builds the page around a model of images and texts, and serves it on this machine:
 * `node examples/search/serve.ts RUN|hf:… [PORT]`.
 */

import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OcelliError } from "ocelli/errors";
import { exportForWeb } from "ocelli";
import { bundlePage } from "../bundle.ts";
import { serveFolder } from "../serve-folder.ts";

/**
 * Builds into a folder that any web server can serve, the two towers in `model/`.
 *
 * @param model a run of the task contrastive, or SigLIP or CLIP as `hf:…`
 * @throws an argument error where it is another model
 */
export async function buildSearch(
  model: string,
  folder: string,
  report: (line: string) => void = () => undefined,
): Promise<void> {
  await bundlePage(fileURLToPath(new URL(".", import.meta.url)), folder);
  const { towers } = await exportForWeb(model, {
    folder: join(folder, "model"),
    page: false,
    report,
  });
  if (towers) return;
  throw new OcelliError("argument", `${model} reads no texts.`, {
    hint: "Give a run of the task contrastive, or SigLIP or CLIP as hf:….",
  });
}

if (import.meta.main) {
  const [model, port = "8000"] = process.argv.slice(2);
  if (model === undefined) {
    console.error("usage: node examples/search/serve.ts RUN|hf:… [PORT]");
    process.exit(2);
  }
  const built = fileURLToPath(new URL("../../.cache/search", import.meta.url));
  await buildSearch(model, built, (line) => console.log(line));
  const server = await serveFolder(built, Number(port));
  console.log(`http://localhost:${(server.address() as AddressInfo).port}/  (Ctrl-C ends it)`);
}
