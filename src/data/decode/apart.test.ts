/** @file Files that keep a decoder busy are ended, and those after them are decoded; others stay in this process. */

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { expect, test } from "vitest";
import { readApart } from "./apart.ts";
import { decodeImage } from "./decode.ts";
import { isUnbounded } from "./effort.ts";
import { jpegOfScans, tiffOfDirectories } from "./slow-fixtures.ts";
import { readWhole } from "./whole.ts";

const noise = sharp({
  create: {
    width: 60,
    height: 40,
    channels: 3,
    background: "grey",
    noise: { type: "gaussian", mean: 128, sigma: 30 },
  },
});
const [png, jpeg, progressive, webp, gif, tiff] = await Promise.all([
  noise.clone().png().toBuffer(),
  noise.clone().jpeg().toBuffer(),
  noise.clone().jpeg({ progressive: true }).toBuffer(),
  noise.clone().webp().toBuffer(),
  noise.clone().gif().toBuffer(),
  noise.clone().tiff().toBuffer(),
]);

test("usual files of usual formats are decoded in this process", () => {
  for (const file of [png, jpeg, progressive, webp, jpegOfScans(8, 8, 20)]) {
    expect(isUnbounded(file)).toBe(false);
  }
  for (const file of [gif, tiff, jpegOfScans(8, 8, 40)]) {
    expect(isUnbounded(file)).toBe(true);
  }
});

test("another process gives the same pixels, and the same reasons", async () => {
  for (const file of [png, jpeg, gif, tiff]) {
    expect(await readApart(file, {})).toEqual(await readWhole(file, {}));
  }
  const reason = (read: typeof readApart, file: Uint8Array, maxPixels?: number) =>
    read(file, { maxPixels }).then(
      () => "none",
      (error: Error) => error.message,
    );
  for (const [file, most] of [
    [tiff.subarray(0, 900), undefined],
    [tiff, 100],
  ] as const) {
    expect(await reason(readApart, file, most)).toBe(await reason(readWhole, file, most));
    expect(await reason(readApart, file, most)).not.toBe("none");
  }
});

test("decoders that are busy too long are ended, and the next images decoded", async () => {
  const slow = tiffOfDirectories(200_000);
  const reason = "slow.tif cannot be decoded: it takes longer than 1.0 seconds of processor time.";
  const tried = [slow, gif, slow, slow, tiff].map((file) =>
    decodeImage(file, { name: "slow.tif" }),
  );
  const outcomes = await Promise.allSettled(tried);
  expect(
    outcomes.map((one) => (one.status === "fulfilled" ? one.value.shape : String(one.reason))),
  ).toEqual([
    expect.stringContaining(reason),
    [40, 60, 3],
    expect.stringContaining(reason),
    expect.stringContaining(reason),
    [40, 60, 3],
  ]);
}, 120_000);

test("a program ends although a decoder is busy, by itself or by its end", async () => {
  const dir = await mkdtemp(join(tmpdir(), "ocelli-apart-"));
  await writeFile(join(dir, "slow.tif"), tiffOfDirectories(400_000));
  const decode = JSON.stringify(join(import.meta.dirname, "decode.ts"));
  const script = join(dir, "script.mjs");
  await writeFile(
    script,
    `import { decodeImageFile } from ${decode};
const decoded = decodeImageFile(process.argv[2]).catch(({ message }) => console.log(message));
if (process.argv[3]) setTimeout(() => process.exit(0), 300);
else await decoded;
`,
  );
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [script, join(dir, "slow.tif")]);
  expect(stdout).toContain("processor time");
  expect((await run(process.execPath, [script, join(dir, "slow.tif"), "exit"])).stdout).toBe("");
  await rm(dir, { recursive: true });
}, 120_000);
