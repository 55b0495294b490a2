/** @file A person's way through examples/train-in-tab in a real Chromium: a folder, a training that is closed and goes on, and the model in Node. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { serveFolder } from "../../examples/serve-folder.ts";
import { buildTrainInTab } from "../../examples/train-in-tab/serve.ts";
import { seededRandom } from "../../src/random.ts";
import type { Ranked } from "../../src/tasks/index.ts";
import { lastJson, runCli } from "../e2e/run-cli.ts";
import { launchChromium } from "./chromium.ts";

const COLOURS = { plum: [90, 30, 110], straw: [220, 200, 90] } as const;

/** A PNG of noise around a colour. */
function picture(colour: readonly number[], seed: number): Promise<Buffer> {
  const random = seededRandom("picture", seed);
  const pixels = Uint8Array.from(
    { length: 40 * 50 * 3 },
    (_, i) => colour[i % 3] - 25 + random.integer(0, 50),
  );
  return sharp(pixels, { raw: { width: 50, height: 40, channels: 3 } })
    .png()
    .toBuffer();
}

/** Writes a folder of pictures of each colour, and gives its path. */
async function writePictures(dir: string): Promise<string> {
  const pictures = join(dir, "pictures");
  for (const [name, colour] of Object.entries(COLOURS)) {
    await mkdir(join(pictures, name), { recursive: true });
    for (let i = 0; i < 12; i++) {
      await writeFile(join(pictures, name, `${i}.png`), await picture(colour, i));
    }
  }
  return pictures;
}

test(
  "a folder is trained on, the tab is closed in between, and Node answers as the tab does",
  { timeout: 240_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocelli-train-in-tab-"));
    const pictures = await writePictures(dir);
    await writeFile(join(pictures, "plum", "notes.txt"), "no picture");
    await writeFile(join(pictures, "labels.csv"), "file,label"); // its folder is no class
    await writeFile(join(pictures, ".hidden"), "not even counted");
    const unseen = join(dir, "unseen.png");
    await writeFile(unseen, await picture(COLOURS.straw, 100));

    await buildTrainInTab(join(dir, "page"));
    const server = await serveFolder(join(dir, "page"), 0);
    const browser = await launchChromium();
    try {
      const tab = await browser.newPage({ acceptDownloads: true });
      const problems: string[] = [];
      tab.on("pageerror", (error) => problems.push(String(error)));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      await tab.goto(url);
      await tab.getByText(/^Ready: WebAssembly/).waitFor();

      await tab.getByLabel(/Drop a folder/).setInputFiles(pictures);
      await tab
        .getByText(
          "plum (12), straw (12); 2 of these are held out to judge. 2 files are no pictures, such as",
        )
        .waitFor();
      await tab.getByLabel("Steps of 32 pictures").fill("0");
      await tab.getByRole("button", { name: "Train" }).click();
      await tab.getByText("steps is 0. It must be a whole number above 0.").waitFor();
      await tab.getByLabel("Steps of 32 pictures").fill("20");
      await tab.getByRole("button", { name: "Train" }).click();
      await tab.getByText(/^step 5 of 20/).waitFor();
      await tab.reload(); // as a crash would, in the middle of the next updates

      await tab.getByText(/^A training stopped at step \d+ of 20\./).waitFor();
      const stopped = Number(/step (\d+)/.exec((await tab.textContent("#progress"))!)![1]);
      expect(stopped % 5).toBe(0);
      expect(stopped).toBeGreaterThanOrEqual(5);
      await tab.getByRole("button", { name: "Resume" }).click();
      await tab
        .getByText("20 of 20 steps. 2 of 2 held-out pictures are right (100.0 %).")
        .waitFor({ timeout: 120_000 });

      await tab.getByLabel("Try it on new pictures").setInputFiles(unseen);
      const row = tab.locator('#tried li[data-file="unseen.png"]');
      await row.waitFor();
      expect(await row.getAttribute("data-class")).toBe("straw");
      const said = Number(await row.getAttribute("data-probability"));

      const downloading = tab.waitForEvent("download");
      await tab.getByRole("button", { name: "Download the model" }).click();
      const file = join(dir, "trained.safetensors");
      await (await downloading).saveAs(file);
      const told = await runCli(["predict", file, unseen, "--json"]);
      expect(told).toMatchObject({ code: 0 });
      const { predictions } = lastJson<{ predictions: { ranked: Ranked[] }[] }>(told);
      expect(predictions[0].ranked[0].name).toBe("straw");
      expect(Math.abs(predictions[0].ranked[0].score - said)).toBeLessThan(1e-5);
      expect(problems).toEqual([]);
      if (process.env.OCELLI_SCREENSHOTS) {
        await tab.screenshot({
          path: join(process.env.OCELLI_SCREENSHOTS, "train-in-tab.png"),
          fullPage: true,
        });
      }
    } finally {
      await browser.close();
      server.close();
      server.closeAllConnections();
      await rm(dir, { recursive: true });
    }
  },
);

test(
  "a browser without room says so, keeps training, and a reload returns to what it kept last",
  { timeout: 240_000 },
  async () => {
    const steps = 30;
    const dir = await mkdtemp(join(tmpdir(), "ocelli-train-in-tab-full-"));
    const pictures = await writePictures(dir);
    await buildTrainInTab(join(dir, "page"));
    const server = await serveFolder(join(dir, "page"), 0);
    const browser = await launchChromium();
    try {
      const tab = await browser.newPage();
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await tab.goto(origin);
      await tab.getByText(/^Ready: WebAssembly/).waitFor();
      // Room for one state of 6 MB, but not for another before the first is given up.
      const devtools = await tab.context().newCDPSession(tab);
      await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 9e6 });
      await tab.getByLabel(/Drop a folder/).setInputFiles(pictures);
      await tab.getByText(/plum \(12\), straw \(12\)/).waitFor();
      await tab.getByLabel("Steps of 32 pictures").fill(String(steps));
      await tab.getByRole("button", { name: "Train" }).click();
      await tab.getByText(new RegExp(`^step \\d+ of ${steps}`)).waitFor();
      const end = tab.getByText(new RegExp(`^${steps} of ${steps} steps\\.`));
      await end.waitFor({ timeout: 120_000 });
      const said = (await end.textContent())!;
      expect(said).toContain("This browser has no room left for what the page keeps.");
      const kept = Number(/a reload returns to step (\d+)\./.exec(said)![1]);
      expect(kept).toBeGreaterThanOrEqual(5);
      expect(kept).toBeLessThan(steps);

      await tab.reload();
      await tab.getByText(`A training stopped at step ${kept} of ${steps}.`).waitFor();
      await devtools.send("Storage.overrideQuotaForOrigin", { origin });
      await tab.getByRole("button", { name: "Resume" }).click();
      await tab
        .getByText(new RegExp(`^${steps} of ${steps} steps\\. [^T]*$`))
        .waitFor({ timeout: 120_000 });
    } finally {
      await browser.close();
      server.close();
      server.closeAllConnections();
      await rm(dir, { recursive: true });
    }
  },
);
