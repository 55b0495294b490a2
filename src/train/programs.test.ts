import { expect, test } from "vitest";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type HostArray, fromNumbers, toNumbers } from "../graph/index.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import type { DeviceArray } from "../engines/engine.ts";
import { uploadTree } from "../served/device-trees.ts";
import { type DeviceState, type StoredLoop, restoreState } from "./programs.ts";

const engine = createInterpreter();
const of = (value: number): HostArray => fromNumbers([value], [1], "float32");

/** The state's arrays by name, each with one value. */
const STATE = {
  "params/head/bias": 1,
  "variables/norm/mean": 2,
  "optimizer/average/head/bias": 3,
  "averageVariables/norm/mean": 4,
  "lossScale/scale": 5,
};
/** What a first state has before anything is restored. */
const FIRST = { "lossScale/scale": 6 };

async function restore(stored: Readonly<Record<string, number>>) {
  const zeros = Object.fromEntries(
    Object.keys({ ...STATE, ...FIRST }).map((name) => {
      return [name, of((FIRST as Record<string, number>)[name] ?? 0)] as const;
    }),
  );
  const first = (await uploadTree(engine, fromFlat(zeros))) as unknown as DeviceState;
  const arrays = Object.fromEntries(
    Object.entries(stored).map(([name, value]) => {
      return [name, { shape: [1], dtype: "float32" as const, read: () => of(value) }];
    }),
  );
  const notes: string[] = [];
  const loop = { arrays } as unknown as StoredLoop;
  const state = await restoreState(engine, first, loop, (line) => notes.push(line));
  const read = Object.entries(toFlat<DeviceArray>(state as Tree<DeviceArray>)).map(
    async ([name, array]) => [name, toNumbers(await array.read())[0]] as const,
  );
  return { state: Object.fromEntries(await Promise.all(read)), notes };
}

test("a checkpoint is restored as it was written", async () => {
  expect(await restore(STATE)).toEqual({ state: STATE, notes: [] });
});

test("a checkpoint from before statistics were averaged begins their average, and says so", async () => {
  const { "averageVariables/norm/mean": _, ...before } = STATE;
  const { state, notes } = await restore(before);
  expect(state).toEqual({ ...before, "averageVariables/norm/mean": 2 });
  expect(notes).toEqual([
    "the checkpoint has no averages of statistics: they begin with its statistics",
  ]);
});

test("a checkpoint from before losses were scaled begins with the scale of a new run, and says so", async () => {
  const { "lossScale/scale": _, ...before } = STATE;
  const { state, notes } = await restore(before);
  expect(state).toEqual({ ...before, ...FIRST });
  expect(notes).toEqual(["the checkpoint has no loss scale: it begins as in a new run"]);
});

test("a checkpoint that lacks other arrays is refused", async () => {
  const { "variables/norm/mean": _, ...broken } = STATE;
  await expect(restore(broken)).rejects.toThrow("variables/norm/mean is missing");
});
