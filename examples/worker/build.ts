/**
 * @file Builds the example with a run's model into a folder that any web server can serve:
 * `node examples/worker/build.ts RUN FOLDER`.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportForWeb } from "ocelli";
import { bundlePage } from "../bundle.ts";

/** Builds into `folder`: page, worker, engine, and the model below `model/`. */
export async function buildWorkerExample(run: string, folder: string): Promise<void> {
  await exportForWeb(run, { folder: join(folder, "model"), page: false });
  await bundlePage(fileURLToPath(new URL(".", import.meta.url)), folder);
}

if (import.meta.main) {
  const [run, folder] = process.argv.slice(2);
  await buildWorkerExample(run, folder);
  console.log(folder);
}
