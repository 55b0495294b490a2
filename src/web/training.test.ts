import * as ort from "onnxruntime-web";
import { expect, test } from "vitest";
import { concatBytes } from "../formats/bytes.ts";
import { readSafetensors, safetensorsChunks } from "../formats/safetensors.ts";
import { type HostArray, hostArray } from "../graph/index.ts";
import { loadPredictor } from "../served/predict.ts";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../random.ts";
import { type TrainingOptions, type TrainingPicture, openTraining } from "./training.ts";

const options: TrainingOptions = { classes: ["dark", "light"], steps: 12, size: 16, batchSize: 8 };
const web = { threads: 1, device: "wasm" } as const;
const open = (state?: Uint8Array, changes: Partial<TrainingOptions> = {}) =>
  openTraining(ort, { ...options, ...changes }, web, state);

/** A picture of noise around a brightness. */
function picture(seed: number, label: number): HostArray {
  const random = seededRandom("picture", seed);
  const data = Uint8Array.from(
    { length: 40 * 30 * 3 },
    () => 40 + 140 * label + random.integer(0, 60),
  );
  return hostArray([30, 40, 3], "uint8", data);
}
const raw = Array.from({ length: 10 }, (_, i) => ({
  id: `${i}`,
  label: i % 2,
  image: picture(i, i % 2),
}));

test("what a tab trains goes on bit for bit, and Node answers as the tab does", async () => {
  const whole = await open();
  const pictures: TrainingPicture[] = raw.map((one) => ({
    ...one,
    image: whole.prepare(one.image),
  }));
  expect(pictures[0].image.shape).toEqual([32, 43, 3]);
  const losses: number[] = [];
  let half: Uint8Array | undefined;
  while (whole.step < 12) {
    if (whole.step === 5) half = await whole.state();
    losses.push((await whole.update(pictures)).loss);
  }
  expect(losses.at(-1)).toBeLessThan(losses[0] / 2);
  await expect(whole.update(pictures)).rejects.toThrow("all 12 steps are done.");

  const later = await open(half);
  expect(later.step).toBe(5);
  const again: number[] = [];
  while (later.step < 12) again.push((await later.update(pictures)).loss);
  expect(again).toEqual(losses.slice(5));
  expect(await later.state()).toEqual(await whole.state());

  const unseen = [picture(100, 0), picture(101, 1)];
  const said = [await whole.classify(unseen[0]), await whole.classify(unseen[1])];
  expect(said[0][0]).toBeGreaterThan(0.6);
  expect(said[1][1]).toBeGreaterThan(0.6);

  const dir = await mkdtemp(join(tmpdir(), "ocelli-tab-"));
  const file = join(dir, "tab.safetensors");
  await writeFile(file, concatBytes(await whole.save()));
  const model = await loadPredictor(file, { engine: "ort" });
  const answers = await model.predict(unseen);
  await model.dispose();
  await rm(dir, { recursive: true });
  answers.forEach((answer, i) => {
    if (answer.kind !== "ranked") throw new Error(answer.kind);
    for (const { name, score } of answer.ranked) {
      expect(Math.abs(score - said[i][options.classes.indexOf(name)])).toBeLessThan(1e-5);
    }
  });
  await whole.dispose();
  await later.dispose();
}, 60_000);

test("a state of other options, damaged bytes and options that cannot be are refused", async () => {
  const training = await open();
  const state = await training.state();
  const odd = { id: "odd.jpg", image: training.prepare(raw[0].image), label: 2 };
  await expect(training.update([odd])).rejects.toThrow(
    "the label of odd.jpg is 2. Labels are places in the list of classes: 0 to 1.",
  );
  await training.dispose();
  const { tensors, metadata } = readSafetensors(state);
  const changed = (field: string, value: string) =>
    concatBytes(safetensorsChunks(tensors, { ...metadata, [field]: value }));
  for (const [field, value] of [
    ["step", "13"],
    ["position", "null"],
    ["position", '{"epoch":-1,"index":0}'],
    ["options", "[]]"],
    ["format", "another"],
  ]) {
    await expect(open(changed(field, value)), field).rejects.toMatchObject({ code: "format" });
  }
  await expect(open(state, { classes: ["dark", "bright"] })).rejects.toThrow(
    'the training began with classes ["dark","light"], not ["dark","bright"].',
  );
  await expect(open(state.slice(0, 100))).rejects.toMatchObject({ code: "format" });
  await expect(open(undefined, { classes: ["dark"] })).rejects.toThrow("dark is the only class.");
  await expect(open(undefined, { classes: ["dark", "dark"] })).rejects.toThrow(
    "the class dark stands twice.",
  );
  await expect(open(undefined, { lr: NaN })).rejects.toThrow("lr is NaN.");
  await expect(open(undefined, { seed: -1 })).rejects.toThrow("seed is -1.");
  await expect(open(undefined, { size: 20 })).rejects.toThrow("size is 20.");
  await expect(open(undefined, { steps: 0 })).rejects.toThrow("steps is 0.");
});
