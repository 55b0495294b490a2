/**
 * @file Builds the page into a folder that any web server can serve, the frozen model in it:
 * `node examples/teach/build.ts FOLDER`.
 */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openBackbone } from "ocelli";
import { checkpointChunks } from "ocelli/weights";
import { bundlePage } from "../bundle.ts";

const PAGE = fileURLToPath(new URL("page/", import.meta.url));

/** Options of {@link buildTeach}. */
export interface BuildOptions {
  /** The frozen model: what `ocelli transfer --model` takes; default: efficientnet-lite0. */
  readonly backbone?: string;
  readonly report?: (line: string) => void;
}

/** Builds into `target`; a frozen model that is there already stays. */
export async function buildTeach(
  target: string,
  { backbone = "efficientnet-lite0", report = () => undefined }: BuildOptions = {},
): Promise<void> {
  await bundlePage(PAGE, target);
  const model = join(target, "backbone.safetensors");
  if (existsSync(model)) return;
  const { params, variables, ...card } = await openBackbone(backbone, { report });
  const { model: options, preprocessing, imageShape } = card;
  const described = { model: options, preprocessing, imageShape, step: 0 };
  const chunks = checkpointChunks({
    card: { ...described, task: { name: "features" }, names: {} },
    ...{ params, variables },
  });
  await writeFile(model, Buffer.concat(chunks));
}

if (import.meta.main) {
  const [target = fileURLToPath(new URL("../../.cache/teach", import.meta.url))] =
    process.argv.slice(2);
  await buildTeach(target, { report: console.log });
  console.log(target);
}
