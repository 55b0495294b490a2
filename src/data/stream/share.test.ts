import { expect, test } from "vitest";
import { type Visit, trainingOrder } from "./order.ts";
import { sharedVisits } from "./share.ts";

const BATCH = 6;
const source = { length: 10 };
const take = (visits: Iterator<Visit, never>, count: number): Visit[] =>
  Array.from({ length: count }, () => visits.next().value);

test.each([
  [
    [0, 3],
    [3, 3],
  ],
  [
    [0, 1],
    [1, 2],
    [3, 3],
  ],
  [[0, 6]],
])("the shares %o make up every batch, over the ends of epochs too", (...shares) => {
  const whole = take(trainingOrder(source, 7), 4 * BATCH);
  const streams = shares.map(([first, count]) => ({
    count,
    visits: sharedVisits(trainingOrder(source, 7), BATCH, { first, count }),
  }));
  for (let batch = 0; batch < 4; batch++) {
    const parts = streams.map(({ visits, count }) => take(visits, count));
    const expected = whole.slice(batch * BATCH, (batch + 1) * BATCH);
    const seen = ({ index, epoch }: Visit) => [index, epoch];
    expect(parts.flat().map(seen)).toEqual(expected.map(seen));
    // wherever a process stops, it stops after the whole batch
    for (const part of parts) expect(part.at(-1)!.next).toEqual(expected.at(-1)!.next);
  }
});

test("a share goes on where its batch ended", () => {
  const share = { first: 2, count: 2 };
  const unbroken = take(sharedVisits(trainingOrder(source, 1), BATCH, share), 6);
  const [, { next }] = unbroken;
  expect(take(sharedVisits(trainingOrder(source, 1, next), BATCH, share), 4)).toEqual(
    unbroken.slice(2),
  );
});
