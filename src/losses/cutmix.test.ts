import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { fromNumbers, constant, randomKey, scalar, stack, toNumbers } from "../graph/index.ts";
import { cut, cutmixBox } from "./index.ts";

const engine = createInterpreter();
const [HEIGHT, WIDTH] = [12, 20];

async function boxOf(seed: number, p = 1): Promise<number[]> {
  const { top, bottom, left, right, lambda } = cutmixBox(randomKey(seed), p, HEIGHT, WIDTH);
  return toNumbers(await evaluate(engine, stack([top, bottom, left, right, lambda])));
}

test("a box lies within the image, and λ is the part outside of it", async () => {
  const boxes = await Promise.all(Array.from({ length: 300 }, (_, seed) => boxOf(seed)));
  for (const [top, bottom, left, right, lambda] of boxes) {
    for (const bound of [top, bottom, left, right]) expect(bound).toBe(Math.round(bound));
    expect(0 <= top && top <= bottom && bottom <= HEIGHT).toBe(true);
    expect(0 <= left && left <= right && right <= WIDTH).toBe(true);
    const area = (bottom - top) * (right - left);
    expect(lambda).toBeCloseTo(1 - area / (HEIGHT * WIDTH), 6);
  }
  expect(new Set(boxes.map(String)).size).toBeGreaterThan(200);
  expect(boxes.some(([top, bottom]) => bottom - top > HEIGHT / 2)).toBe(true);
  expect(() => cutmixBox(randomKey(0), 0, 4, 4)).toThrow("cutmix's p must be above 0, not 0.");
});

test("the pixels of the box come from the image before", async () => {
  const [batch, height, width] = [3, 4, 5];
  const values = Array.from({ length: batch * height * width }, (_, i) => i);
  const images = constant(fromNumbers(values, [batch, height, width, 1], "float32"));
  const bounds = { top: 1, bottom: 3, left: 2, right: 5 };
  const box = {
    top: scalar(bounds.top),
    bottom: scalar(bounds.bottom),
    left: scalar(bounds.left),
    right: scalar(bounds.right),
    lambda: scalar(0.7),
  };
  const expected = values.map((value) => {
    const [b, y, x] = [Math.floor(value / 20), Math.floor(value / 5) % 4, value % 5];
    const isInside = y >= bounds.top && y < bounds.bottom && x >= bounds.left && x < bounds.right;
    return isInside ? ((b + batch - 1) % batch) * 20 + y * 5 + x : value;
  });
  expect(toNumbers(await evaluate(engine, cut(images, box)))).toEqual(expected);
});
