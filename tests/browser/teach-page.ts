/** @file What tests of examples/teach share: the opened page, a person's steps on it, pictures, and a small backbone. */

import { writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import sharp, { type Sharp } from "sharp";
import { buildTeach } from "../../examples/teach/build.ts";
import { serveFolder } from "../../examples/serve-folder.ts";
import { openMnist } from "../../src/data/classification/mnist.ts";
import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import { jit } from "../../src/engines/engine.ts";
import { type HostArray, type Tensor, hostArray, toNumbers } from "../../src/graph/index.ts";
import { createModel } from "../../src/models/index.ts";
import { initialise } from "../../src/nn/index.ts";
import { readTree } from "../../src/served/device-trees.ts";
import type { Tree } from "../../src/tree.ts";
import { checkpointChunks } from "../../src/weights/index.ts";

/** A file as the page's inputs take it. */
export interface PictureFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** Pictures of a class: what is shown, and what is held out. */
export interface Shown {
  readonly name: string;
  readonly examples: readonly PictureFile[];
  readonly heldOut: readonly PictureFile[];
}

/** Builds the page around a backbone and opens it; whatever goes wrong in the tab is gathered. */
export async function openPage(
  chromium: Browser,
  dir: string,
  backbone: string,
  { viewport = { width: 1280, height: 900 }, query = "", ready = /^Ready in .*WebAssembly/ } = {},
) {
  const built = join(dir, backbone.replaceAll(/\W/g, "-"));
  await buildTeach(built, { backbone });
  const server = await serveFolder(built, 0);
  const context = await chromium.newContext({ viewport, permissions: ["camera"] });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${query}`);
  await page.getByText(ready).waitFor();
  return {
    page,
    problems,
    async [Symbol.asyncDispose]() {
      await context.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Names the classes, shows their examples and trains. */
export async function teach(page: Page, classes: readonly Shown[]): Promise<void> {
  for (let i = 2; i < classes.length; i++) {
    await page.getByRole("button", { name: "Another class" }).click();
  }
  for (const [i, { name, examples }] of classes.entries()) {
    await page.getByLabel("Name of the class").nth(i).fill(name);
    const card = page.getByRole("article", { name: `Class ${name}` });
    await card.getByLabel(`Pictures of ${name}`).setInputFiles([...examples]);
    await card.getByText(`${examples.length} pictures`, { exact: true }).waitFor();
  }
  await page.getByRole("button", { name: "Train" }).click();
  await page.getByText(/^300 steps on/).waitFor();
}

/** What the page says of pictures: class and probability by file. */
export async function tryOn(page: Page, files: readonly PictureFile[]) {
  const said: { file: string; class: string; probability: number }[] = [];
  for (const file of files) {
    await page.getByLabel("New pictures to try").setInputFiles([file]);
    const row = page.locator(`.tried li[data-file="${file.name}"]`);
    await row.waitFor();
    const get = async (name: string) => (await row.getAttribute(`data-${name}`)) ?? "";
    const probability = Number(await get("probability"));
    said.push({ file: file.name, class: await get("class"), probability });
  }
  return said;
}

/** A picture as a file. */
export const png = async (name: string, picture: Sharp): Promise<PictureFile> => ({
  name,
  mimeType: "image/png",
  buffer: await picture.png().toBuffer(),
});

/** Handwritten digits of some classes, as picture files. */
export async function digits(
  wanted: readonly string[],
  shown: number,
  heldOut: number,
): Promise<Shown[]> {
  const source = await (await openMnist()).open("train");
  const found = new Map<string, PictureFile[]>(wanted.map((name) => [name, []]));
  for (let i = 0; [...found.values()].some((files) => files.length < shown + heldOut); i++) {
    const { image, label } = await source.read(i);
    const name = String(toNumbers(label)[0]);
    const files = found.get(name);
    if (!files || files.length === shown + heldOut) continue;
    const raw = { width: 28, height: 28, channels: 1 } as const;
    files.push(await png(`${name}-${i}.png`, sharp(image.data as Uint8Array, { raw })));
  }
  return wanted.map((name) => {
    const files = found.get(name)!;
    return { name, examples: files.slice(0, shown), heldOut: files.slice(shown) };
  });
}

/** A small net with weights as they are drawn: its features are rough, and the same everywhere. */
export async function drawnBackbone(dir: string): Promise<string> {
  const options = { name: "resnet", depth: [1, 1], width: 0.5 };
  const { name, ...rest } = options;
  const net = createModel(name, rest);
  const spec = { shape: [1, 32, 32, 3], dtype: "float32" } as const;
  const engine = createInterpreter();
  const draw = jit(engine, (key: Tensor) => initialise((s, x: Tensor) => net(s, x)[0], key, spec));
  const key = hostArray([2], "uint32", new Uint32Array([0, 1]));
  const { params, variables } = (await readTree(await draw(key))) as Record<
    "params" | "variables",
    Tree<HostArray>
  >;
  await engine.dispose();
  const file = join(dir, "drawn.safetensors");
  const preprocessing = "decode|resize(32)|value_range(-1,1)";
  const card = { model: options, preprocessing, imageShape: [32, 32, 3], step: 0 };
  const chunks = checkpointChunks({
    card: { ...card, task: { name: "features" }, names: {} },
    ...{ params, variables },
  });
  await writeFile(file, Buffer.concat(chunks));
  return file;
}
