import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { showTime } from "../../runs/list-show.ts";
import { Meter, describeReport, describeStatus, showMetric } from "./progress.ts";

test("a meter reports means, speed, waiting and the time left, then starts again", async () => {
  let clock = 0;
  const meter = new Meter(100, 32, () => clock);
  await meter.waitFor(Promise.resolve().then(() => (clock += 50)));
  meter.add({ accuracy: 0.5, gradNorm: 1, loss: 2 });
  clock += 150;
  meter.add({ accuracy: 1, gradNorm: 3, loss: 1 });
  const report = meter.report(20);
  expect(report).toEqual({
    step: 20,
    means: { loss: 1.5, accuracy: 0.75, gradNorm: 2 },
    imagesPerSecond: 320,
    dataWait: 0.25,
    eta: 8,
  });
  const extent = { total: 100, perEpoch: 12.5 };
  expect(describeReport(report, extent)).toBe(
    "step 20/100 · epoch 2/8 · loss 1.5 · accuracy 75.00 % · 320 images/s · data wait 25.0 % · 0:08 left",
  );
  expect(describeStatus(report, extent, [3, 2, 1.5])).toBe(
    "━━────────── epoch 2/8 · 0:08 left · █▃▁ loss 1.5 · accuracy 75.00 % · 320 images/s · data wait 25.0 % · step 20/100",
  );
  const skipping = { ...report, means: { loss: 1, skipped: 0.5 } };
  expect(describeReport(skipping, extent)).toContain("50.0 % of the steps not finite and left out");
  meter.restore({ steps: 1, sums: { loss: 5 } });
  await meter.outside(Promise.resolve().then(() => (clock += 1000)));
  clock += 100;
  meter.add({ loss: 3 });
  expect(meter.gathered).toEqual({ steps: 2, sums: { loss: 8 } });
  expect(meter.report(21)).toMatchObject({ means: { loss: 4 }, imagesPerSecond: 320, dataWait: 0 });
});

test("a batch that comes while the device has work is not waited for", async () => {
  let clock = 0;
  const meter = new Meter(10, 1, () => clock);
  const batch = (): Promise<number> => Promise.resolve().then(() => (clock += 50));
  let finish = (): void => undefined;
  const work = new Promise<void>((resolve) => (finish = resolve));
  await meter.waitFor(batch(), work);
  await setImmediate();
  clock += 150;
  expect(meter.report(1).dataWait).toBe(0);
  const ending = batch().finally(finish);
  await meter.waitFor(ending, work);
  await setImmediate();
  clock += 150;
  expect(meter.report(2).dataWait).toBe(0.25);
  await meter.waitFor(batch(), work);
  clock += 150;
  expect(meter.report(3).dataWait).toBe(0.25);
});

test("numbers for people", () => {
  expect([showTime(5.4), showTime(65), showTime(3725)]).toEqual(["0:05", "1:05", "1:02:05"]);
  expect(showMetric("accuracy", 0.98317)).toBe("98.32 %");
  expect(showMetric("loss", 0.00123456)).toBe("0.001235");
});
