/** @file `ocelli label`: pictures labelled by keyboard in a real browser, what is written, and who may write. */

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type LabelServer, serveLabels } from "../../src/label/server.ts";
import type { LabelView } from "../../src/label/session.ts";
import { seededRandom } from "../../src/random.ts";
import type { TransferResult } from "../../src/transfer/classification/options.ts";
import { launchChromium } from "../browser/chromium.ts";
import { lastJson, runCli } from "./run-cli.ts";
import { startCli } from "./small-run.ts";

const COLOURS = { green: [60, 160, 70], red: [190, 60, 60], violet: [120, 60, 190] } as const;
const EACH = 8;

let dir: string;
let pictures: string;
let table: string;
let model: string;
let browser: Browser;

/** Noisy pictures of three colours, as `7.png`; the colour of each is not in its name. */
const colours: string[] = [];
async function writePictures(): Promise<void> {
  await mkdir(pictures);
  for (let i = 0; i < 3 * EACH; i++) {
    const [name, colour] = Object.entries(COLOURS)[(i * 7) % 3];
    const random = seededRandom("label", i);
    const pixels = Uint8Array.from(
      { length: 20 * 24 * 3 },
      (_, k) => colour[k % 3] + random.integer(-40, 40),
    );
    const picture = sharp(pixels, { raw: { width: 24, height: 20, channels: 3 } });
    await picture.png().toFile(join(pictures, `${i}.png`));
    colours.push(name);
  }
  await writeFile(join(pictures, "broken.png"), "no picture");
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-label-"));
  vi.stubEnv("OCELLI_CACHE", join(dir, "cache"));
  pictures = join(dir, "pictures");
  table = join(pictures, "labels.csv");
  model = join(dir, "base");
  await writePictures();
  const sizes = ["--model.width=16", "--model.depth=1", "--model.mlpDim=32", "--model.numHeads=2"];
  const texts = ["train", "eval"].map(
    (of) => `--preprocess.${of}=decode|resize(16)|value_range(-1,1)`,
  );
  const steps = ["--duration.steps=2", "--batchSize=4", "--model.patchSize=[8,8]"];
  const teaching = join(dir, "teaching");
  for (const name of ["red", "green"]) {
    await mkdir(join(teaching, name), { recursive: true });
    for (let i = 0; i < 6; i++) {
      const from = colours.flatMap((colour, k) => (colour === name ? [k] : []))[i];
      await writeFile(
        join(teaching, name, `${i}.png`),
        await readFile(join(pictures, `${from}.png`)),
      );
    }
  }
  const args = ["--data", teaching, "--engine=interpreter", ...steps, ...sizes, ...texts];
  expect((await runCli(["train", "folder", ...args, "--workdir", model])).code).toBe(0);
  browser = await launchChromium();
}, 120_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await browser?.close();
  await rm(dir, { recursive: true });
});

const begin = (): Promise<LabelServer> =>
  serveLabels(pictures, { model, table, engine: "interpreter", port: 0 });

/** A tab that notes what goes wrong. */
async function openTab(url: string): Promise<{ tab: Page; problems: string[]; asked: string[] }> {
  const tab = await browser.newPage({ viewport: { width: 1100, height: 800 } });
  const problems: string[] = [];
  const asked: string[] = [];
  tab.on("pageerror", (error) => problems.push(String(error)));
  tab.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  tab.on("request", (asks) => asked.push(asks.url()));
  await tab.goto(url);
  await tab.locator("#pictures li, #why:has-text('every')").first().waitFor();
  return { tab, problems, asked };
}

const rowsOf = async (): Promise<string[][]> => {
  const text = await readFile(table, "utf8").catch(() => "");
  return text
    .split("\n")
    .slice(1, -1)
    .map((line) => line.split(","));
};

/** What the page shows once its group is another one than `turn`. */
async function after(server: LabelServer, turn: number): Promise<LabelView> {
  await expect.poll(() => server.session.view().turn).toBeGreaterThan(turn);
  return server.session.view();
}

/** Labels the group that is shown by its true colours: all of one colour chosen, by key or by name. */
async function labelGroup(tab: Page, server: LabelServer, names: string[]): Promise<void> {
  const { turn, pictures: shown } = server.session.view();
  await expect.poll(() => tab.locator("#pictures li").count()).toBe(shown.length);
  const colour = colours[Number.parseInt(shown[0].file)];
  for (const [i, { file }] of shown.entries()) {
    if (colours[Number.parseInt(file)] !== colour) await tab.locator("#pictures li").nth(i).click();
  }
  const known = names.indexOf(colour);
  if (known >= 0) {
    await tab.keyboard.press(String(known + 1));
  } else {
    if (names.length > 0) await tab.keyboard.press("n");
    await tab.keyboard.type(colour);
    await tab.keyboard.press("Enter");
    names.push(colour);
  }
  await after(server, turn);
  await settled(tab);
}

/** The tab has its answer. */
const settled = (tab: Page) => tab.waitForFunction(() => !document.body.classList.contains("busy"));

test("pictures are labelled by keyboard, written at once, resumed, and train", async () => {
  let server = await begin();
  expect(server.problems.map(({ id }) => id)).toEqual([join(pictures, "broken.png")]);
  const names: string[] = [];
  const { tab, problems, asked } = await openTab(server.url);
  await labelGroup(tab, server, names);
  const first = await rowsOf();
  expect(first.length).toBeGreaterThan(0);
  for (const [file, label] of first) expect(label).toBe(colours[Number.parseInt(file)]);

  await labelGroup(tab, server, names);
  const more = await rowsOf();
  expect(more.length).toBeGreaterThan(first.length);
  let { turn } = server.session.view();
  await tab.keyboard.press("u"); // takes the second label back
  ({ turn } = await after(server, turn));
  expect(await rowsOf()).toEqual(first);
  const shown = server.session.view().pictures.map(({ file }) => file);
  await expect.poll(() => tab.locator("#pictures .file").allTextContents()).toEqual(shown);
  await tab.keyboard.press("s"); // skips what came back
  await after(server, turn);
  expect(server.session.view()).toMatchObject({ skipped: shown.length, labelled: first.length });
  expect(await rowsOf()).toEqual(first);
  await settled(tab);
  await server.close();
  await tab.keyboard.press("1");
  await tab.getByText("ocelli label has ended: nothing that was labelled is lost").waitFor();
  await tab.close();

  server = await begin();
  expect(server.session.view()).toMatchObject({ labelled: first.length, skipped: 0 });
  const again = await openTab(server.url);
  const known = server.session.view().classes.map(({ name }) => name);
  while (server.session.view().pictures.length > 0) await labelGroup(again.tab, server, known);
  await again.tab.getByText("every picture is labelled or skipped").waitFor();
  expect(server.session.view()).toMatchObject({ labelled: 3 * EACH, total: 3 * EACH });
  const { guessed } = server.session.view();
  expect(guessed.count).toBeGreaterThan(0);
  const all = await rowsOf();
  expect(all).toHaveLength(3 * EACH);
  for (const [file, label] of all) expect(label, file).toBe(colours[Number.parseInt(file)]);
  await server.close();
  for (const found of [problems, again.problems]) {
    expect(found.filter((text) => !text.includes("ERR_CONNECTION_REFUSED"))).toEqual([]);
  }
  expect([...asked, ...again.asked].filter((url) => !url.startsWith("http://127.0.0.1:"))).toEqual(
    [],
  );
  await again.tab.close();

  const trained = await runCli([
    ...["transfer", "--data", table, "--model", model, "--engine=interpreter"],
    ...["--workdir", join(dir, "trained"), "--json"],
  ]);
  expect(trained.code).toBe(0);
  expect(lastJson<TransferResult>(trained).classes).toEqual(["green", "red", "violet"]);

  const folders = join(dir, "by-class");
  const copied = await runCli(["label", pictures, "--to=folders", "--out", folders, "--json"]);
  expect(lastJson(copied)).toEqual({ folder: folders, copied: 3 * EACH, kept: 0 });
  expect((await readdir(folders)).sort()).toEqual(["green", "red", "violet"]);
  expect(await readdir(join(folders, "red"))).toHaveLength(EACH);
  expect(await readdir(pictures)).toHaveLength(3 * EACH + 2); // moved nothing
  const twice = await runCli(["label", pictures, "--to=folders", "--out", folders, "--json"]);
  expect(lastJson(twice)).toEqual({ folder: folders, copied: 0, kept: 3 * EACH });
});

/** A port that nothing listens at. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

test("what was labelled is there after the program is killed, and Ctrl-C says how it trains", async () => {
  await rm(table, { force: true });
  const start = async () => {
    const flags = [
      "--model",
      model,
      "--engine=interpreter",
      `--port=${await freePort()}`,
      "--classes=red,green",
    ];
    const program = startCli(["label", pictures, ...flags]);
    await expect.poll(program.text, { timeout: 60_000 }).toMatch(/labels the pictures of/);
    const [url] = /http:\S+/.exec(program.text())!;
    const page = await (await fetch(url)).text();
    const headers = {
      origin: new URL(url).origin,
      "content-type": "application/json",
      "x-ocelli-token": /name="token" content="([^"]+)"/.exec(page)![1],
    };
    const state = async () => (await (await fetch(`${url}api/state`)).json()) as LabelView;
    return { program, url, headers, state };
  };
  const first = await start();
  const { turn, pictures: shown, classes } = await first.state();
  expect(classes.map(({ name }) => name)).toEqual(["red", "green"]);
  const body = JSON.stringify({ do: "label", turn, rows: [shown[0].row], name: "green" });
  await fetch(`${first.url}api/act`, { method: "POST", headers: first.headers, body });
  first.program.kill("SIGKILL");
  await first.program.ended;
  expect(await rowsOf()).toEqual([[shown[0].file, "green"]]);
  const second = await start();
  expect(await second.state()).toMatchObject({ labelled: 1, canUndo: false });
  second.program.kill("SIGINT");
  expect(await second.program.ended).toBe(0);
  expect(second.program.text()).toContain(
    `1 of ${3 * EACH} pictures are labelled: ocelli transfer --data ${table}`,
  );
}, 180_000);

test("only the page itself writes, and only of pictures that it shows", async () => {
  await rm(table, { force: true });
  const server = await begin();
  const page = await (await fetch(server.url)).text();
  const token = /name="token" content="([^"]+)"/.exec(page)![1];
  const { origin, port } = new URL(server.url);
  const { turn, pictures: shown } = server.session.view();
  const rows = [shown[0].row];
  const act = async (headers: Record<string, string>, body: object): Promise<number> => {
    const asked = await fetch(new URL("api/act", server.url), {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    return asked.status;
  };
  const label = { do: "label", turn, rows, name: "red" };
  const own = { origin, "x-ocelli-token": token, "content-type": "application/json" };
  for (const missing of Object.keys(own)) {
    const rest = Object.entries(own).filter(([name]) => name !== missing);
    expect(await act(Object.fromEntries(rest), label), missing).toBe(403);
  }
  expect(await act({ ...own, "content-type": "text/plain" }, label)).toBe(403);
  expect(await act({ ...own, origin: "http://elsewhere.example" }, label)).toBe(403);
  expect(await act({ ...own, "x-ocelli-token": "another" }, label)).toBe(403);
  expect(await act(own, { ...label, rows: [10 ** 6] })).toBe(400);
  expect(await act(own, { ...label, name: " " })).toBe(400);
  expect(await act(own, { ...label, more: 1 })).toBe(400);
  expect(await act(own, { ...label, turn: turn - 1 })).toBe(200); // of a group that is gone
  expect(await rowsOf()).toEqual([]);
  const named = await new Promise<number>((resolve) => {
    request({ port, host: "127.0.0.1", headers: { host: "elsewhere.example" } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    }).end();
  });
  expect(named).toBe(403);
  for (const path of ["picture/999", "picture/..%2f..%2fbase%2fconfig.json", "labels.csv"]) {
    expect((await fetch(new URL(path, server.url))).status, path).toBe(404);
  }
  const bytes = await (await fetch(new URL(`picture/${rows[0]}`, server.url))).arrayBuffer();
  expect(await sharp(bytes).metadata()).toMatchObject({ format: "png", width: 24, height: 20 });
  expect(await act(own, label)).toBe(200);
  expect(await rowsOf()).toEqual([[shown[0].file, "red"]]);

  await writeFile(table, "file,label\nother.png,blue\n"); // by another program
  const next = server.session.view();
  const again = { ...label, turn: next.turn, rows: [next.pictures[0].row] };
  expect(await act(own, again)).toBe(500);
  expect(await rowsOf()).toEqual([["other.png", "blue"]]);
  expect(server.session.view()).toEqual(next);
  await server.close();
});
