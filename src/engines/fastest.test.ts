import { expect, test } from "vitest";
import type { Engine } from "./engine.ts";
import { type Candidate, type TimingStore, openFastest } from "./fastest.ts";
import { hardwareAdapter } from "./ort/runtime/gpu/adapters.ts";

/** Stand-ins for devices, each with the milliseconds of its step or why it fails. */
function devices(times: Readonly<Record<string, number | string>>) {
  const open = new Set<string>();
  const opened: string[] = [];
  const timed: string[] = [];
  const candidates = Object.keys(times).map((name): Candidate => ({
    name,
    device: `${name}'s device`,
    open: () => {
      opened.push(name);
      open.add(name);
      const dispose = () => Promise.resolve(void open.delete(name));
      return Promise.resolve({ name, dispose } as unknown as Engine);
    },
  }));
  const time = ({ name }: Engine): Promise<number> => {
    timed.push(name);
    const ms = times[name];
    return typeof ms === "number" ? Promise.resolve(ms) : Promise.reject(new Error(ms));
  };
  return { candidates, time, open, opened, timed };
}

function memory(): TimingStore & { readonly all: Map<string, Readonly<Record<string, number>>> } {
  const all = new Map<string, Readonly<Record<string, number>>>();
  return {
    all,
    get: (key) => Promise.resolve(all.get(key)),
    put: (key, timings) => Promise.resolve(void all.set(key, timings)),
  };
}

test("the fastest is taken, the others are closed, and the reason gives all times", async () => {
  const { candidates, time, open } = devices({ gpu: 12.34, ort: 80 });
  const { engine, because } = await openFastest(candidates, "small", time, memory());
  expect(engine.name).toBe("gpu");
  expect([...open]).toEqual(["gpu"]);
  expect(because).toBe("gpu (gpu's device) 12.3 ms a step, ort (ort's device) 80.0 ms a step");
});

test("a slow GPU loses to the processor", async () => {
  const { candidates, time, open } = devices({ gpu: 90, ort: 80 });
  expect((await openFastest(candidates, "small", time, memory())).engine.name).toBe("ort");
  expect([...open]).toEqual(["ort"]);
});

test("a choice is remembered for the same devices and size", async () => {
  const store = memory();
  const first = devices({ gpu: 12, ort: 80 });
  await openFastest(first.candidates, "small", first.time, store);
  const again = devices({ gpu: 12, ort: 80 });
  const { because } = await openFastest(again.candidates, "small", again.time, store);
  expect(again.timed).toEqual([]);
  expect(again.opened).toEqual(["gpu"]);
  expect(because).toMatch(/^timed earlier: gpu /);
  await openFastest(again.candidates, "large", again.time, store);
  expect(again.timed).toEqual(["gpu", "ort"]);
});

test("a device that fails is left out, said, and tried again the next time", async () => {
  const store = memory();
  const { candidates, time, open } = devices({ gpu: "out of memory", ort: 80 });
  const { engine, because } = await openFastest(candidates, "small", time, store);
  expect(engine.name).toBe("ort");
  expect([...open]).toEqual(["ort"]);
  expect(because).toMatch(/; gpu failed: out of memory$/);
  expect(store.all.size).toBe(0);
});

test("where all fail the last error is thrown, and nothing stays open", async () => {
  const { candidates, time, open } = devices({ gpu: "lost", ort: "no memory" });
  await expect(openFastest(candidates, "small", time, memory())).rejects.toThrow("no memory");
  expect(open.size).toBe(0);
});

test("one device is not timed", async () => {
  const { candidates, time, timed } = devices({ ort: 80 });
  expect((await openFastest(candidates, "small", time, memory())).because).toBeUndefined();
  expect(timed).toEqual([]);
});

test("a discrete GPU comes before an integrated one; software is no GPU", () => {
  const adapter = (kind: "software" | "integrated" | "discrete") => {
    return { name: kind, kind, maxStorageBytes: 2 ** 27 };
  };
  expect(hardwareAdapter([adapter("software")])).toBeUndefined();
  expect(hardwareAdapter([])).toBeUndefined();
  expect(hardwareAdapter([adapter("software"), adapter("integrated")])).toBe("integrated");
  expect(hardwareAdapter([adapter("integrated"), adapter("discrete")])).toBe("discrete");
});
