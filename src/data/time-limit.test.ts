import { expect, test } from "vitest";
import { createBoundedGate } from "./time-limit.ts";

test("a bounded gate works in turn, refuses what is too much, and takes more once there is room", async () => {
  const gate = createBoundedGate(2);
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  const give = (name: number) =>
    gate(async () => {
      begun.push(name);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (name === 0) throw new Error("failed");
      return name;
    });
  const first = give(0);
  const second = give(1);
  await expect(give(2)).rejects.toThrow("too much is asked for at once");
  expect(begun).toEqual([0]);
  ends[0]();
  await expect(first).rejects.toThrow("failed");
  const third = give(3);
  await expect.poll(() => begun).toEqual([0, 1]);
  ends[1]();
  expect(await second).toBe(1);
  await expect.poll(() => begun).toEqual([0, 1, 3]);
  ends[2]();
  expect(await third).toBe(3);
});
