import { expect, test } from "vitest";
import { Forecast, describeSeconds, tellParts, tellProgress } from "./forecast.ts";

/** A clock that is set by hand, in milliseconds. */
function clock() {
  const time = { ms: 0 };
  return { time, now: () => time.ms };
}

test("work of more than a minute is said once, measured from its first step on", () => {
  const { time, now } = clock();
  const forecast = new Forecast(now);
  time.ms = 40_000; // compiling
  expect(forecast.see(1, 500)).toBeUndefined();
  time.ms = 41_700;
  expect(forecast.see(2, 500)).toBeUndefined(); // under two seconds were measured
  expect(forecast.left).toBeUndefined();
  time.ms = 43_400;
  expect(forecast.see(3, 500)).toBeCloseTo(497 * 1.7);
  time.ms = 45_100;
  expect(forecast.see(4, 500)).toBeUndefined(); // said
  expect(forecast.left).toBeCloseTo(496 * 1.7);
});

test("short work is not said, and what turns out long is", () => {
  const { time, now } = clock();
  const forecast = new Forecast(now);
  forecast.see(0, 100);
  time.ms = 4000;
  expect(forecast.see(20, 100)).toBeUndefined();
  expect(forecast.left).toBe(16);
  time.ms = 60_000;
  expect(forecast.see(30, 100)).toBeCloseTo(140);
});

test.each([
  [61, "about 1 minute"],
  [14 * 60, "about 14 minutes"],
  [3600, "about 1 hour"],
  [2.5 * 3600, "about 2 hours 30 minutes"],
  [100 * 3600, "about 4 days"],
])("%s seconds are %s", (seconds, text) => expect(describeSeconds(seconds)).toBe(text));

test("progress has the time left, and one line has the estimate", () => {
  const { time, now } = clock();
  const lines: string[] = [];
  const shown: string[] = [];
  const reporter = {
    line: (text: string) => lines.push(text),
    status: (text: string) => shown.push(text),
  };
  const progress = tellProgress(reporter, "features of train", "images", now);
  progress(16, 50_000);
  time.ms = 2000;
  progress(116, 50_000);
  time.ms = 4000;
  progress(216, 50_000);
  expect(lines).toEqual(["time    features of train: about 17 minutes for 50,000 images"]);
  expect(shown).toEqual([
    "──────────── features of train: 16 of 50000 images",
    "──────────── features of train: 116 of 50000 images · 16:38 left",
    "──────────── features of train: 216 of 50000 images · 16:36 left",
  ]);
});

test("of several parts all that are left count, once", () => {
  const lines: string[] = [];
  const tell = tellParts((text) => lines.push(text), "trial");
  tell(10, 5);
  tell(10, 0);
  expect(lines).toEqual([]);
  tell(30, 6);
  tell(30, 5);
  expect(lines).toEqual(["time    about 3 minutes for 6 trials, if all are like this one"]);
});
